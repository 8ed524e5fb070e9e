/*
 * Records that are likely the same: equal phones, e-mail addresses or tax numbers across the entities that have such fields, equal
 * names of firms, equal name and birthday of persons. Which field counts how stands in its row (match).
 */
#include "server/model/draft.h"

#define PAGE 64
#define PHONE_DIGITS 7 /* shorter numbers are extensions and service numbers */

#define OTHERS 64 /* fields with MATCH_VALUE in all tables */

struct hunt {
	const struct model_write *w;
	struct {
		const struct entity *entity;
		const struct field *field;
	} others[OTHERS];
	size_t nothers;
	struct bytes fields; /* of the record at hand */
	struct duplicate *out;
	size_t n, max;
};

/* Fields whose values may stand for one another. */
static bool same_kind(const struct field *a, const struct field *b)
{
	if (a->match != MATCH_VALUE || b->match != MATCH_VALUE || a->type != b->type)
		return false;
	return a->type != T_TEXT || !strcmp(a->name, b->name);
}

static bool is_person(const struct hunt *h, const struct entity *en, struct bytes fields)
{
	const struct field *kind = entity_field_named(en, "kind");
	uint64_t person;

	if (!kind || !kind->refers_to || kind->type != T_CHOICE)
		return false;
	person = lookup_entry(h->w->lookup, kind->refers_to, "person");
	return person && record_number(fields, kind->tag) == person;
}

/* Whether a record names another one, as a contact its customer: such two are no doubles. */
static bool names(
	const struct entity *en, struct bytes fields, const struct entity *to, uint64_t id)
{
	for (size_t i = 0; id && i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f->type == T_REF && f->tag < TAG_EXTERNAL_ID &&
			!strcmp(f->refers_to, to->name) && record_number(fields, f->tag) == id)
			return true;
	}
	return false;
}

static bool known(const struct hunt *h, const struct field *f, const struct entity *en, uint64_t id)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->out[i].field == f && h->out[i].entity == en && h->out[i].id == id)
			return true;
	return false;
}

static void consider(struct hunt *h, const struct field *f, const struct entity *en,
	const struct field *other, uint64_t id)
{
	const struct model_write *w = h->w;
	struct buf room = BUF_INIT;
	struct stored r;
	bool itself = en == w->entity && id == w->id;

	if (itself || h->n == h->max || known(h, f, en, id) ||
		!read_live(w->txn, en, id, &room, &r))
		goto out;
	if (names(en, r.fields, w->entity, w->id) || names(w->entity, h->fields, en, id))
		goto out;
	if (f->match == MATCH_NAME && is_person(h, en, r.fields))
		goto out;
	h->out[h->n++] =
		(struct duplicate){ f, en, other, id, store_visible(w->txn, w->scope, en, id) };
out:
	buf_free(&room);
}

/* Records with this value in one field. */
static void hunt_field(struct hunt *h, const struct field *f, struct bytes value,
	const struct entity *en, const struct field *other)
{
	struct buf wire = BUF_INIT;
	uint64_t ids[PAGE];
	size_t n;

	record_add_text(&wire, other->tag, value);
	n = store_find_equal(h->w->txn, en, other, buf_bytes(&wire), 0, ids, PAGE);
	for (size_t i = 0; i < n; i++)
		consider(h, f, en, other, ids[i]);
	buf_free(&wire);
}

static bool is_telling(const struct field *f, struct bytes value)
{
	struct buf normal = BUF_INIT;
	bool yes;

	type_normal(f, value, &normal);
	yes = f->type != T_PHONE || normal.len >= PHONE_DIGITS;
	buf_free(&normal);
	return yes && value.len;
}

/* Every field whose values can meet those of others. */
static void find_others(struct hunt *h)
{
	const struct schema *schema = lookup_schema(h->w->lookup);

	for (size_t i = 0; i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; k < en->nfields && h->nothers < OTHERS; k++)
			if (en->fields[k].match == MATCH_VALUE) {
				h->others[h->nothers].entity = en;
				h->others[h->nothers++].field = &en->fields[k];
			}
	}
}

static void hunt_value(struct hunt *h, const struct field *f)
{
	struct bytes value = record_text(h->fields, f->tag);

	if (!is_telling(f, value))
		return;
	if (!h->nothers)
		find_others(h);
	for (size_t i = 0; i < h->nothers; i++)
		if (same_kind(f, h->others[i].field))
			hunt_field(h, f, value, h->others[i].entity, h->others[i].field);
}

static void hunt_name(struct hunt *h, const struct field *f)
{
	uint64_t ids[PAGE];
	size_t n = store_find_match(h->w->txn, h->w->entity, f, h->fields, 0, ids, PAGE);

	for (size_t i = 0; i < n; i++)
		consider(h, f, h->w->entity, f, ids[i]);
}

/* Of an old record only what changes is looked at: the name counts for the birthday too. */
static bool is_new(const struct hunt *h, const struct field *f)
{
	const struct model_write *w = h->w;
	const struct field *name = entity_field_named(w->entity, w->entity->name_field);

	if (!w->before || w->before->deleted)
		return true;
	if (!bytes_equal(record_run(w->before->fields, f->tag), record_run(h->fields, f->tag)))
		return true;
	return f->match == MATCH_BIRTHDAY && !bytes_equal(record_run(w->before->fields, name->tag),
						     record_run(h->fields, name->tag));
}

size_t model_duplicates(
	const struct model_write *w, struct bytes fields, struct duplicate *out, size_t max)
{
	struct hunt h = { .w = w, .fields = fields, .out = out, .max = max };

	for (size_t i = 0; i < w->entity->nfields; i++) {
		const struct field *f = &w->entity->fields[i];
		if (f->match == MATCH_NONE || !record_has(fields, f->tag) || !is_new(&h, f))
			continue;
		if (f->match == MATCH_VALUE)
			hunt_value(&h, f);
		else if (f->match != MATCH_NAME || !is_person(&h, w->entity, fields))
			hunt_name(&h, f);
	}
	return h.n;
}
