#include "server/model/computed.h"
#include "server/model/lookup.h"
#include "server/store/log.h"
#include <glib.h>

const struct entity *model_entity(struct txn *t, enum entity_number number)
{
	return schema_entity_by_number(txn_schema(t), (uint16_t)number);
}

bool value_changed(const struct entity *en, const struct stored *before, const struct stored *after,
	const char *field)
{
	uint16_t tag = entity_field_named(en, field)->tag;

	return !bytes_equal(record_run(before->fields, tag), record_run(after->fields, tag));
}

bool read_live(
	struct txn *t, const struct entity *en, uint64_t id, struct buf *room, struct stored *out)
{
	struct error e;
	enum status s;

	error_init(&e);
	s = id ? store_get(t, &scope_all, en, id, room, out, &e) : STATUS_NOT_FOUND;
	error_clear(&e);
	return s == STATUS_OK && !out->deleted;
}

void computed_init(struct computed *c, struct txn *t, enum entity_number entity, uint64_t id)
{
	*c = (struct computed){ .txn = t, .entity = model_entity(t, entity), .id = id };
}

void computed_number(struct computed *c, const char *field, uint64_t v)
{
	c->set[c->n].tag = entity_field_named(c->entity, field)->tag;
	c->set[c->n++].number = v;
}

void computed_bool(struct computed *c, const char *field, bool v)
{
	/* A bool that is computed is never unset, so that filters find the ones that are not. */
	computed_number(c, field, v ? 1 : UINT64_MAX);
}

void computed_money(struct computed *c, const char *field, int64_t fen)
{
	computed_number(c, field, fen ? zigzag(fen) : UINT64_MAX);
}

void computed_list(struct computed *c, const char *field, const uint64_t *ids, size_t n)
{
	g_free(c->list);
	c->list_tag = entity_field_named(c->entity, field)->tag;
	c->list = g_memdup2(ids, n * sizeof *ids);
	c->nlist = n;
}

void computed_release(struct computed *c)
{
	g_free(c->list);
	c->list = NULL;
	c->list_tag = 0;
	c->nlist = 0;
}

static void computed_only(const struct entity *en, struct bytes fields, struct buf *out)
{
	struct wire_field w;
	const struct field *f;

	while (record_next(&fields, &w, NULL)) {
		f = entity_field_by_tag(en, w.tag);
		if (f && f->flags & F_COMPUTED)
			buf_add_bytes(out, w.whole);
	}
}

static void computed_merge(const struct computed *c, struct bytes old, struct buf *out)
{
	struct buf patch = BUF_INIT, sorted = BUF_INIT;
	uint32_t cleared[COMPUTED_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < c->nlist; i++)
		record_add_number(&patch, c->list_tag, c->list[i]);
	if (c->list_tag && !c->nlist)
		cleared[n++] = c->list_tag;

	for (size_t i = 0; i < c->n; i++) {
		if (c->set[i].number)
			record_add_number(&patch, c->set[i].tag,
				c->set[i].number == UINT64_MAX ? 0 : c->set[i].number);
		else
			cleared[n++] = c->set[i].tag;
	}
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(old, buf_bytes(&sorted), cleared, n, out);
	buf_free(&patch);
	buf_free(&sorted);
}

static enum status write_over(const struct computed *c, struct bytes fields, struct error *e)
{
	struct buf old = BUF_INIT, now = BUF_INIT;
	enum status s = STATUS_OK;

	computed_only(c->entity, fields, &old);
	computed_merge(c, buf_bytes(&old), &now);
	if (!bytes_equal(buf_bytes(&old), buf_bytes(&now)))
		s = store_put_computed(c->txn, c->entity, c->id, buf_bytes(&now), e);
	buf_free(&old);
	buf_free(&now);
	return s;
}

enum status computed_write(const struct computed *c, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s = STATUS_OK;

	if ((c->n || c->list_tag) && read_live(c->txn, c->entity, c->id, &room, &r))
		s = write_over(c, r.fields, e);
	buf_free(&room);
	return s;
}

enum status computed_write_over(
	const struct computed *c, const struct stored *record, struct error *e)
{
	return write_over(c, record->fields, e);
}

uint64_t entry_id(struct txn *t, const char *key)
{
	const struct entity *en = model_entity(t, ENTITY_DICTIONARY_ENTRY);
	uint64_t id = 0;
	struct error e;

	error_init(&e);
	if (store_find_unique(t, en, entity_field_named(en, "key"), bytes_str(key), &id, &e))
		id = 0;
	error_clear(&e);
	return id;
}

bool entry_says(struct txn *t, uint64_t entry, const char *name, const char *value)
{
	const struct entity *en = model_entity(t, ENTITY_DICTIONARY_ENTRY);
	struct buf room = BUF_INIT;
	struct stored r;
	char *attributes;
	bool says = false;

	if (read_live(t, en, entry, &room, &r)) {
		attributes = bytes_dup(model_text(en, r.fields, "attributes"));
		says = bytes_equal_str(attribute(attributes, name), value);
		free(attributes);
	}
	buf_free(&room);
	return says;
}

enum status each_of(struct txn *t, const struct entity *en, const char *field, uint64_t id,
	each_fn *fn, void *arg, struct error *e)
{
	const struct field *f = entity_field_named(en, field);
	struct buf wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[128], after = 0;
	struct stored r;
	enum status s = STATUS_OK;
	size_t n;

	record_add_number(&wire, f->tag, id);
	while (!s && (n = store_find_equal(t, en, f, buf_bytes(&wire), after, ids, 128)) > 0) {
		for (size_t i = 0; i < n && !s; i++)
			if (read_live(t, en, ids[i], &room, &r))
				s = fn(arg, &r, e);
		after = ids[n - 1];
	}
	buf_free(&wire);
	buf_free(&room);
	return s;
}

bool any_of(struct txn *t, const struct entity *en, const char *field, uint64_t id)
{
	const struct field *f = entity_field_named(en, field);
	struct buf wire = BUF_INIT;
	uint64_t first;
	bool any;

	record_add_number(&wire, f->tag, id);
	any = store_find_equal(t, en, f, buf_bytes(&wire), 0, &first, 1) > 0;
	buf_free(&wire);
	return any;
}

bool last_was_undo(struct txn *t, const struct entity *entity, uint64_t id)
{
	struct buf room = BUF_INIT;
	struct log_entry entry = { 0 };
	uint64_t seq;
	bool undo = log_of_record(t, entity, id, 0, &seq, 1) == 1 &&
		    log_read(t, seq, &entry, &room, NULL, NULL) == STATUS_OK &&
		    entry.kind == LOG_UNDO;

	buf_free(&room);
	return undo;
}

civil_date author_today(struct txn *t, const struct author *author)
{
	struct buf room = BUF_INIT;
	struct stored r = { 0 };
	civil_date today;

	if (!read_live(t, model_entity(t, ENTITY_USER), author->user, &room, &r))
		r.fields = bytes_of("", 0);
	today = zone_date(model_user_zone(t, r.fields), author->now_ms);
	buf_free(&room);
	return today;
}

enum status put_number(struct txn *t, const struct author *author, const struct entity *en,
	const struct stored *record, const char *field, uint64_t v, bool keep_zero, struct error *e)
{
	uint32_t tag = entity_field_named(en, field)->tag;
	struct buf patch = BUF_INIT, merged = BUF_INIT;
	uint64_t id = record->id;
	enum status s;

	if (v || keep_zero)
		record_add_number(&patch, tag, v);
	record_merge(record->fields, buf_bytes(&patch), &tag, patch.len ? 0 : 1, &merged);
	s = store_put(t, author, en, &id, "set", buf_bytes(&merged), NULL, e);
	buf_free(&patch);
	buf_free(&merged);
	return s;
}

static size_t compare_list(const struct computed *c, const struct stored *record,
	void (*report)(void *arg, const char *damage), void *arg)
{
	struct buf want = BUF_INIT;
	bool same;
	char text[160];

	if (!c->list_tag)
		return 0;
	for (size_t i = 0; i < c->nlist; i++)
		record_add_number(&want, c->list_tag, c->list[i]);
	same = bytes_equal(buf_bytes(&want), record_run(record->fields, c->list_tag));
	buf_free(&want);
	if (same)
		return 0;
	snprintf(text, sizeof text,
		"%s %llu: computed field %s is not what follows from its records", c->entity->name,
		(unsigned long long)record->id, entity_field_by_tag(c->entity, c->list_tag)->name);
	report(arg, text);
	return 1;
}

/* Field by field, so that the sentence names the one that differs. */
static size_t compare_computed(const struct computed *c, const struct stored *record,
	void (*report)(void *arg, const char *damage), void *arg)
{
	char text[160];
	size_t bad = 0;

	for (size_t i = 0; i < c->n; i++) {
		uint64_t want = c->set[i].number;
		bool has = record_has(record->fields, c->set[i].tag);
		if (has == (want != 0) && (!has || record_number(record->fields, c->set[i].tag) ==
							   (want == UINT64_MAX ? 0 : want)))
			continue;
		snprintf(text, sizeof text,
			"%s %llu: computed field %s is not what follows from its records",
			c->entity->name, (unsigned long long)record->id,
			entity_field_by_tag(c->entity, c->set[i].tag)->name);
		report(arg, text);
		bad++;
	}
	return bad + compare_list(c, record, report, arg);
}

size_t computed_check(struct txn *t, enum entity_number entity, compute_fn *fn,
	void (*report)(void *arg, const char *damage), void *arg)
{
	const struct entity *en = model_entity(t, entity);
	uint8_t prefix[2];
	struct walk *w = NULL;
	struct bytes key;
	struct buf room = BUF_INIT;
	struct stored r;
	struct computed c;
	size_t bad = 0;

	put_be16(prefix, (uint16_t)entity);
	if (walk_open(t, SPACE_REC, bytes_of(prefix, sizeof prefix), &w, NULL))
		return 0;
	while (walk_next(w, &key)) {
		if (!read_live(t, en, get_be64(key.data + 2), &room, &r))
			continue;
		computed_init(&c, t, entity, r.id);
		if (fn(t, &r, &c, NULL) == STATUS_OK)
			bad += compare_computed(&c, &r, report, arg);
		computed_release(&c);
	}
	walk_close(&w);
	buf_free(&room);
	return bad;
}
