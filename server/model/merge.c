/*
 * Merging two records of one entity: every reference to the one that goes names the one that stays, found by walking the schema, and
 * what only one of them has stands in the one that stays.
 */
#include "server/model/draft.h"
#include <glib.h>

#define PAGE 256

struct merging {
	const struct model_merge *m;
	const struct entity *entity;
	const struct schema *schema;
	uint64_t moved; /* records given to the one that stays, of those that the caller sees */
	struct error *e;
};

bool model_mergeable(const struct entity *entity)
{
	return entity->merged_field && entity_field_named(entity, MERGED_IDS);
}

static bool is_merged_field(const struct entity *en, const struct field *f)
{
	return en->merged_field && !strcmp(f->name, en->merged_field);
}

/* The references. */

/* The run with one number in the place of another, each number once; *found: it stood there. */
static void replace_number(
	struct bytes run, uint64_t from, uint64_t to, struct buf *out, bool *found)
{
	GArray *seen = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	struct wire_field w;

	while (record_next(&run, &w, NULL)) {
		uint64_t number = w.number == from ? to : w.number;
		bool twice = false;
		*found = *found || w.number == from;
		for (guint i = 0; i < seen->len && !twice; i++)
			twice = g_array_index(seen, uint64_t, i) == number;
		if (!twice && number)
			record_add_number(out, w.tag, number);
		g_array_append_val(seen, number);
	}
	g_array_free(seen, TRUE);
}

/* The fields of a record of entity en with its references moved; false: it has none. to 0 takes them out. */
static bool redirect(const struct merging *g, const struct entity *en, struct bytes fields,
	uint64_t to, struct buf *out)
{
	struct buf patch = BUF_INIT;
	uint32_t cleared[64];
	size_t ncleared = 0;
	bool any = false;

	for (size_t i = 0; i < en->nfields && ncleared < G_N_ELEMENTS(cleared); i++) {
		const struct field *f = &en->fields[i];
		uint64_t from = reference_value(f, g->entity, g->m->other->id);
		struct bytes run = from ? record_run(fields, f->tag) : bytes_of("", 0);
		size_t at = patch.len;
		bool found = false;

		if (!run.len || f->flags & (F_COMPUTED | F_VIRTUAL) || is_merged_field(en, f))
			continue;
		replace_number(
			run, from, to ? reference_value(f, g->entity, to) : 0, &patch, &found);
		if (!found)
			patch.len = at;
		else if (patch.len == at)
			cleared[ncleared++] = f->tag;
		any = any || found;
	}
	if (any) {
		struct buf sorted = BUF_INIT;
		record_sort(buf_bytes(&patch), &sorted);
		record_merge(fields, buf_bytes(&sorted), cleared, ncleared, out);
		buf_free(&sorted);
	}
	buf_free(&patch);
	return any;
}

/* What else must change in a record that comes to the one that stays. */
static enum status adapt(const struct merging *g, const struct entity *en,
	const struct stored *record, struct buf *fields)
{
	const struct hooks *hooks = hooks_of(en);
	struct model_write w = g->m->write;
	struct draft d = { .w = &w, .fields = *fields, .e = g->e };

	w.entity = en;
	w.before = record;
	w.id = record->id;
	if (hooks && hooks->moved && !record->deleted)
		hooks->moved(&d);
	*fields = d.fields;
	return d.failed;
}

/* The two themselves are written when all others stand. */
static bool is_pair(const struct merging *g, const struct entity *en, uint64_t id)
{
	return en == g->entity && (id == g->m->write.id || id == g->m->other->id);
}

/* Only what the caller sees is counted: the number would tell that there are others. */
static void count_moved(struct merging *g, const struct entity *en, uint64_t id)
{
	struct scope scope = *g->m->write.scope;

	scope.trash_too = true;
	g->moved += store_visible(g->m->write.txn, &scope, en, id);
}

static enum status move_record(
	struct merging *g, const struct entity *en, const struct stored *record)
{
	const struct model_merge *m = g->m;
	struct buf fields = BUF_INIT;
	uint64_t id = record->id;
	enum status s = STATUS_OK;

	if (is_pair(g, en, id) || !redirect(g, en, record->fields, m->write.id, &fields))
		return STATUS_OK;
	count_moved(g, en, id);
	s = adapt(g, en, record, &fields);
	if (!s)
		s = store_put(m->write.txn, m->write.author, en, &id, "merge", buf_bytes(&fields),
			NULL, g->e);
	buf_free(&fields);
	return s;
}

/*
 * Where moving references has come to: which list (two of each entity of the schema: live, trash), and the id that was moved last.
 */
#define PLACE_ID_BITS 48

/* At most most of the records that name the one that goes, from *place on; fewer: none is left in that list. */
static enum status move_list(struct merging *g, uint64_t *place, size_t most, size_t *n)
{
	const struct entity *en = schema_at(g->schema, (size_t)(*place >> PLACE_ID_BITS) / 2);
	uint64_t list = *place >> PLACE_ID_BITS;
	uint64_t ids[PAGE], after = *place & ((UINT64_C(1) << PLACE_ID_BITS) - 1);
	struct buf room = BUF_INIT;
	enum status s = STATUS_OK;
	struct stored record;

	*n = store_referrers(g->m->write.txn, g->entity, g->m->other->id, en, list % 2, after, ids,
		MIN(most, PAGE));
	for (size_t i = 0; !s && i < *n; i++) {
		s = store_get(g->m->write.txn, &scope_all, en, ids[i], &room, &record, g->e);
		if (!s)
			s = move_record(g, en, &record);
	}
	if (*n)
		*place = list << PLACE_ID_BITS | ids[*n - 1];
	buf_free(&room);
	return s;
}

static enum status move_references(struct merging *g, uint64_t *place, size_t most, bool *end)
{
	size_t lists = schema_count(g->schema) * 2, n;
	enum status s = STATUS_OK;

	while (!s && most && *place >> PLACE_ID_BITS < lists) {
		size_t part = MIN(most, PAGE);
		s = move_list(g, place, part, &n);
		most -= n;
		if (n < part)
			*place = ((*place >> PLACE_ID_BITS) + 1) << PLACE_ID_BITS;
	}
	*end = *place >> PLACE_ID_BITS >= lists;
	return s;
}

/* How many records name the one that goes; no more than most + 1 are counted. */
static uint64_t count_referrers(const struct merging *g, size_t most)
{
	uint64_t count = 0;

	for (size_t list = 0; list < schema_count(g->schema) * 2; list++) {
		uint64_t ids[PAGE], after = 0;
		size_t n = PAGE;
		while (n == PAGE && count <= most) {
			n = store_referrers(g->m->write.txn, g->entity, g->m->other->id,
				schema_at(g->schema, list / 2), list % 2, after, ids, PAGE);
			after = n ? ids[n - 1] : 0;
			count += n;
		}
	}
	return count;
}

/* The two records. */

static bool is_taken(const struct model_merge *m, const struct field *f)
{
	for (size_t i = 0; i < m->ntake; i++)
		if (m->take[i] == f->tag)
			return true;
	return false;
}

bool model_merged_field(const struct field *f)
{
	bool common = f->tag > TAG_EXTERNAL_ID && f->tag < TAG_CUSTOM;

	return !common && !(f->flags & (F_COMPUTED | F_VIRTUAL | F_READONLY));
}

/* The values of both lists, each once. */
static void unite(struct bytes keep, struct bytes other, struct buf *out)
{
	struct wire_field w, stands;

	buf_add_bytes(out, keep);
	while (record_next(&other, &w, NULL)) {
		struct bytes rest = keep;
		bool there = false;
		while (!there && record_next(&rest, &stands, NULL))
			there = bytes_equal(stands.whole, w.whole);
		if (!there)
			buf_add_bytes(out, w.whole);
	}
}

/* The reading of another name would be wrong. */
static bool is_other_reading(const struct merging *g, const struct field *f)
{
	const struct entity *en = g->entity;

	for (size_t i = 0; i < en->nfields; i++)
		if (en->fields[i].flags & F_NAME && entity_field_reading(en, &en->fields[i]) == f)
			return !bytes_equal(
				record_run(g->m->write.before->fields, en->fields[i].tag),
				record_run(g->m->other->fields, en->fields[i].tag));
	return false;
}

/* Whether the one that stays gets its value of the field from the other. */
static bool comes_over(
	const struct model_merge *m, const struct field *f, struct bytes keep, struct bytes other)
{
	return model_merged_field(f) && other.len && (!keep.len || is_taken(m, f)) &&
	       !bytes_equal(keep, other);
}

/* Whether the record above, in the tree of field f, has one of the pair above it: when the two are one that would be a circle. */
static bool leads_back(const struct merging *g, const struct field *f, uint64_t above)
{
	struct buf room = BUF_INIT;
	struct stored record;
	int depth = 0;

	while (above && depth++ < 64 && !is_pair(g, g->entity, above))
		above = store_get(
				g->m->write.txn, &scope_all, g->entity, above, &room, &record, NULL)
				? 0
				: record_number(record.fields, f->tag);
	buf_free(&room);
	return above != 0;
}

/* The record above of the one that stays: its own, else the other's, else none, never one that hangs below the two. */
static void place_in_tree(const struct merging *g, const struct field *f, struct buf *fields)
{
	const uint64_t choices[] = { record_number(buf_bytes(fields), f->tag),
		record_number(g->m->write.before->fields, f->tag),
		record_number(g->m->other->fields, f->tag) };
	uint32_t tag = f->tag;
	uint64_t above = 0;
	struct buf patch = BUF_INIT, placed = BUF_INIT;

	for (size_t i = 0; !above && i < G_N_ELEMENTS(choices); i++)
		if (!leads_back(g, f, choices[i]))
			above = choices[i];
	if (above)
		record_add_number(&patch, f->tag, above);
	record_merge(buf_bytes(fields), buf_bytes(&patch), &tag, !above, &placed);
	buf_clear(fields);
	buf_add_bytes(fields, buf_bytes(&placed));
	buf_free(&patch);
	buf_free(&placed);
}

/* Whether a value of the one that goes names the one that stays: it would name itself. */
static bool names_keep(const struct merging *g, const struct field *f, struct bytes run)
{
	uint64_t keep = reference_value(f, g->entity, g->m->write.id);
	struct wire_field w;

	while (keep && record_next(&run, &w, NULL))
		if (w.number == keep)
			return true;
	return false;
}

/* A list of the one that stays does not name itself because the other's did. */
static void drop_itself(const struct merging *g, struct buf *fields)
{
	uint64_t keep = g->m->write.id;
	struct buf patch = BUF_INIT, rest = BUF_INIT;

	for (size_t i = 0; i < g->entity->nfields; i++) {
		const struct field *f = &g->entity->fields[i];
		uint64_t self = type_is_list(f->type) ? reference_value(f, g->entity, keep) : 0;
		struct bytes run = self ? record_run(buf_bytes(fields), f->tag) : bytes_of("", 0);
		uint32_t tag = f->tag;
		bool found = false;

		buf_clear(&patch);
		buf_clear(&rest);
		replace_number(run, self, 0, &patch, &found);
		if (!found)
			continue;
		record_merge(buf_bytes(fields), buf_bytes(&patch), &tag, !patch.len, &rest);
		buf_clear(fields);
		buf_add_bytes(fields, buf_bytes(&rest));
	}
	buf_free(&patch);
	buf_free(&rest);
}

/* The fields of the one that stays: what it lacks, what was asked for, and the lists of both. */
static void combine(const struct merging *g, struct buf *out)
{
	struct buf both = BUF_INIT, patch = BUF_INIT;
	struct bytes keep = g->m->write.before->fields, other = g->m->other->fields;

	for (size_t i = 0; i < g->entity->nfields; i++) {
		const struct field *f = &g->entity->fields[i];
		struct bytes k = record_run(keep, f->tag), o = record_run(other, f->tag);
		if (model_merged_field(f) && type_is_list(f->type))
			unite(k, o, &patch);
		else if (comes_over(g->m, f, k, o) && !names_keep(g, f, o) &&
			 (is_taken(g->m, f) || !is_other_reading(g, f)))
			buf_add_bytes(&patch, o);
	}
	record_sort(buf_bytes(&patch), &both);
	buf_clear(&patch);
	record_merge(keep, buf_bytes(&both), NULL, 0, &patch);
	/* neither of them may name the one that goes, nor the one that stays itself */
	if (!redirect(g, g->entity, buf_bytes(&patch), 0, out))
		buf_add_bytes(out, buf_bytes(&patch));
	drop_itself(g, out);
	for (size_t i = 0; i < g->entity->nfields; i++)
		if (field_leads_up(&g->entity->fields[i]))
			place_in_tree(g, &g->entity->fields[i], out);
	buf_free(&both);
	buf_free(&patch);
}

/* The one that goes: into the trash, without the unique values that the other one takes over. */
static enum status put_other(const struct merging *g)
{
	const struct model_merge *m = g->m;
	struct bytes keep = m->write.before->fields, other = m->other->fields;
	struct buf patch = BUF_INIT, fields = BUF_INIT, sorted = BUF_INIT;
	uint32_t cleared[64];
	size_t ncleared = 0;
	uint64_t id = m->other->id;

	for (size_t i = 0; i < g->entity->nfields && ncleared < G_N_ELEMENTS(cleared); i++) {
		const struct field *f = &g->entity->fields[i];
		if (f->flags & F_UNIQUE &&
			comes_over(m, f, record_run(keep, f->tag), record_run(other, f->tag)))
			cleared[ncleared++] = f->tag;
	}
	record_add_number(
		&patch, entity_field_named(g->entity, g->entity->merged_field)->tag, m->write.id);
	record_add_signed(&patch, TAG_DELETED_AT, m->write.author->now_ms);
	if (m->write.author->user)
		record_add_number(&patch, TAG_DELETED_BY, m->write.author->user);
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(other, buf_bytes(&sorted), cleared, ncleared, &fields);
	enum status s = store_put(m->write.txn, m->write.author, g->entity, &id, "merge",
		buf_bytes(&fields), NULL, g->e);
	buf_free(&patch);
	buf_free(&fields);
	buf_free(&sorted);
	return s;
}

/* merged_ids: those of both, and the one that goes. */
static void add_merged_ids(const struct merging *g, struct bytes checked, struct buf *out)
{
	const struct model_merge *m = g->m;
	uint16_t tag = entity_field_named(g->entity, MERGED_IDS)->tag;
	struct buf ids = BUF_INIT, here = BUF_INIT, all = BUF_INIT;

	buf_printf(&here, "%llu", (unsigned long long)m->other->id);
	buf_add_bytes(&ids, record_run(m->other->fields, tag));
	record_add_text(&ids, tag, buf_bytes(&here));
	unite(record_run(m->write.before->fields, tag), buf_bytes(&ids), &all);
	record_merge(checked, buf_bytes(&all), NULL, 0, out);
	buf_free(&ids);
	buf_free(&here);
	buf_free(&all);
}

static enum status put_keep(const struct merging *g, struct bytes checked)
{
	const struct model_merge *m = g->m;
	struct buf fields = BUF_INIT;
	uint64_t id = m->write.id;

	add_merged_ids(g, checked, &fields);
	enum status s = store_put(m->write.txn, m->write.author, g->entity, &id, "merge",
		buf_bytes(&fields), NULL, g->e);
	buf_free(&fields);
	return s;
}

static enum status check_pair(const struct merging *g)
{
	const struct model_merge *m = g->m;

	if (!model_mergeable(g->entity))
		return error_set(g->e, STATUS_USAGE, "a %s cannot be merged", g->entity->name);
	if (m->write.id == m->other->id)
		return error_set(
			g->e, STATUS_USAGE, "a %s cannot be merged with itself", g->entity->name);
	return STATUS_OK;
}

static struct merging merging_of(const struct model_merge *m, struct error *e)
{
	return (struct merging){
		.m = m, .entity = m->write.entity, .schema = txn_schema(m->write.txn), .e = e
	};
}

/* The one that stays as it will be. */
static enum status check_merged(const struct merging *g, struct buf *checked)
{
	struct buf fields = BUF_INIT;
	enum status s = check_pair(g);

	if (!s) {
		combine(g, &fields);
		s = model_check(&g->m->write, buf_bytes(&fields), checked, g->e);
	}
	buf_free(&fields);
	return s;
}

static enum status put_pair(const struct merging *g, struct bytes checked)
{
	const struct model_write *w = &g->m->write;
	enum status s = put_other(g);

	if (!s)
		s = put_keep(g, checked);
	return s ? s : model_settle(w->txn, w->author, g->entity, w->id, g->e);
}

enum status model_merge(const struct model_merge *m, size_t most, uint64_t *count, struct error *e)
{
	struct merging g = merging_of(m, e);
	struct buf checked = BUF_INIT;
	enum status s = check_merged(&g, &checked);
	uint64_t place = 0;
	bool end;

	*count = 0;
	if (!s && (*count = count_referrers(&g, most)) <= most) {
		s = move_references(&g, &place, SIZE_MAX, &end);
		if (!s)
			s = put_pair(&g, buf_bytes(&checked));
		*count = g.moved;
	}
	buf_free(&checked);
	return s;
}

enum status model_merge_move(const struct model_merge *m, uint64_t *place, size_t most,
	uint64_t *count, bool *end, struct error *e)
{
	struct merging g = merging_of(m, e);
	enum status s = move_references(&g, place, most, end);

	*count += g.moved;
	return s;
}

enum status model_merge_end(const struct model_merge *m, struct error *e)
{
	struct merging g = merging_of(m, e);
	struct buf checked = BUF_INIT;
	enum status s = check_merged(&g, &checked);

	if (!s)
		s = put_pair(&g, buf_bytes(&checked));
	buf_free(&checked);
	return s;
}
