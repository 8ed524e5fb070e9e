/* Numbers of records, from index entries alone where they are certain. */
#include "common/clock.h"
#include "server/store/plan.h"
#include <glib.h>

#define GROUPS_MAX 20000

struct count {
	struct txn *txn;
	const struct query *query;
	struct scope scope;
	struct plan plan;
	struct buf row;
	struct error *e;
};

static enum status count_open(
	struct count *c, struct txn *t, const struct query *q, struct error *e)
{
	static const struct order none = { .id_descending = true };

	*c = (struct count){ .txn = t, .query = q, .scope = *q->scope, .e = e };
	c->scope.trash_too = q->trash;
	return plan_make(t, q, &none, &c->plan, e);
}

static void count_close(struct count *c)
{
	plan_free(&c->plan);
	buf_free(&c->row);
}

/* STATUS_NOT_FOUND: does not count. */
static enum status read_one(struct count *c, uint64_t id, struct stored *out)
{
	enum status s = store_get(c->txn, &c->scope, c->query->entity, id, &c->row, out, c->e);

	if (s == STATUS_NOT_FOUND && c->e)
		error_clear(c->e);
	if (!s && (out->deleted != c->query->trash ||
			  !condition_match(c->query->condition, c->txn, c->query->scope, out)))
		return STATUS_NOT_FOUND;
	return s;
}

/* Whether an entry of the source is a row without a look at the record. Records in the trash stand in no index but theirs. */
static bool certain(const struct count *c)
{
	const struct source *s = &c->plan.source;
	bool of_scope = s->kind == SOURCE_LISTS && !s->field;

	if (s->kind == SOURCE_ALL || s->kind == SOURCE_IDS)
		return false;
	if (s->covers < c->plan.parts)
		return false;
	return plan_sees_all(c->query) || of_scope;
}

static enum status count_entries(
	struct count *c, const struct source *s, bool all_rows, uint64_t *count)
{
	struct cursor *cursor;
	struct stored record;
	uint64_t id;
	enum status st = cursor_open(c->txn, c->query->entity, s, true, &cursor, c->e);

	if (st)
		return st;
	while (!st && cursor_next(cursor, &id)) {
		if (!all_rows)
			st = read_one(c, id, &record);
		*count += !st;
		if (st == STATUS_NOT_FOUND)
			st = STATUS_OK;
	}
	cursor_close(&cursor);
	return st;
}

/* All that there are, less those in the trash. */
static enum status count_all(struct count *c, uint64_t *count)
{
	const struct source all = { .kind = SOURCE_ALL, .id_high = UINT64_MAX };
	struct query trash = *c->query;
	struct count t;
	uint64_t deleted = 0;
	enum status s = count_entries(c, &all, true, count);

	trash.trash = true;
	if (!s)
		s = count_open(&t, c->txn, &trash, c->e);
	if (s)
		return s;
	s = count_entries(&t, &t.plan.source, certain(&t), &deleted);
	count_close(&t);
	*count -= deleted;
	return s;
}

enum status query_count(struct txn *t, const struct query *q, uint64_t *count, struct error *e)
{
	struct count c;
	enum status s = count_open(&c, t, q, e);

	*count = 0;
	if (!s && c.plan.parts == 0 && !q->trash && plan_sees_all(q))
		s = count_all(&c, count);
	else if (!s)
		s = count_entries(&c, &c.plan.source, certain(&c), count);
	count_close(&c);
	return s;
}

/* Groups. */

static enum status add_group(GHashTable *groups, struct bytes run, struct error *e)
{
	GBytes *key = g_bytes_new(run.data, run.len);
	uint64_t *n = g_hash_table_lookup(groups, key);

	if (n) {
		g_bytes_unref(key);
		++*n;
		return STATUS_OK;
	}
	if (g_hash_table_size(groups) >= GROUPS_MAX) {
		g_bytes_unref(key);
		return error_set(e, STATUS_USAGE, "more than %d different values", GROUPS_MAX);
	}
	n = g_new(uint64_t, 1);
	*n = 1;
	g_hash_table_insert(groups, key, n);
	return STATUS_OK;
}

/* Each item of a list counts for itself. */
static enum status group_record(
	GHashTable *groups, const struct stored *record, const struct field *by, struct error *e)
{
	struct bytes run = record_run(record->fields, by->tag);
	struct wire_field w;
	enum status s = STATUS_OK;

	if (run.len == 0)
		return add_group(groups, run, e);
	while (!s && record_next(&run, &w, NULL))
		s = add_group(groups, w.whole, e);
	return s;
}

static void add_number_group(GHashTable *groups, const struct field *by, uint64_t key, uint64_t n)
{
	struct buf run = BUF_INIT;
	uint64_t *count = g_new(uint64_t, 1);

	*count = n;
	record_add_number(&run, by->tag,
		type_is_signed(by->type) ? zigzag((int64_t)(key ^ 1ull << 63)) : key);
	g_hash_table_insert(groups, g_bytes_new(run.data, run.len), count);
	buf_free(&run);
}

/* Whether the entries of an index tell everything: one for each record that has a value, and the value in it. */
static bool index_tells(const struct count *c, const struct field *by)
{
	return c->plan.parts == 0 && !c->query->trash && plan_sees_all(c->query) &&
	       (by->flags & F_INDEXED) && !(by->flags & F_VIRTUAL) && !key_is_hashed(by) &&
	       type_is_number(by->type) && !type_is_list(by->type);
}

static enum status group_index(struct count *c, GHashTable *groups, const struct field *by)
{
	struct key prefix = key_index(c->query->entity->number, by->tag);
	struct walk *w;
	struct bytes key;
	uint64_t value = 0, n = 0, set = 0, all = 0;
	enum status s = count_all(c, &all);

	if (!s)
		s = walk_open(c->txn, SPACE_IDX, key_bytes(&prefix), &w, c->e);
	if (s)
		return s;
	while (walk_next(w, &key) && key.len == prefix.len + 16) {
		uint64_t v = get_be64(key.data + prefix.len);
		if (n > 0 && v != value) {
			add_number_group(groups, by, value, n);
			n = 0;
		}
		value = v;
		n++;
		set++;
	}
	walk_close(&w);
	if (n > 0)
		add_number_group(groups, by, value, n);
	if (all > set) {
		uint64_t *unset = g_new(uint64_t, 1);
		*unset = all - set;
		g_hash_table_insert(groups, g_bytes_new(NULL, 0), unset);
	}
	return g_hash_table_size(groups) <= GROUPS_MAX
		       ? STATUS_OK
		       : error_set(c->e, STATUS_USAGE, "more than %d different values", GROUPS_MAX);
}

static enum status group_all(struct count *c, GHashTable *groups, const struct field *by)
{
	struct cursor *cursor;
	struct stored record;
	uint64_t id;
	enum status s = cursor_open(c->txn, c->query->entity, &c->plan.source, true, &cursor, c->e);

	if (s)
		return s;
	while (!s && cursor_next(cursor, &id)) {
		s = read_one(c, id, &record);
		if (!s)
			s = group_record(groups, &record, by, c->e);
		else if (s == STATUS_NOT_FOUND)
			s = STATUS_OK;
	}
	cursor_close(&cursor);
	return s;
}

enum status query_count_by(struct txn *t, const struct query *q, const struct field *by,
	void (*group)(void *arg, struct bytes run, uint64_t count), void *arg, struct error *e)
{
	GHashTable *groups = g_hash_table_new_full(
		g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
	struct count c;
	GHashTableIter iter;
	gpointer key, value;
	enum status s = count_open(&c, t, q, e);

	if (!s)
		s = index_tells(&c, by) ? group_index(&c, groups, by) : group_all(&c, groups, by);
	g_hash_table_iter_init(&iter, groups);
	while (!s && g_hash_table_iter_next(&iter, &key, &value)) {
		gsize len;
		const void *data = g_bytes_get_data(key, &len);
		group(arg, bytes_of(data, len), *(uint64_t *)value);
	}
	g_hash_table_destroy(groups);
	count_close(&c);
	return s;
}
