/*
 * Numbers of records by the values of a field: along its index, sieved by the set of the condition, or from the records. Values that
 * are equal in the sense of = are one group, spelled as its oldest record spells it; dates of one period are, if that is asked for.
 */
#include "common/date.h"
#include "server/store/query_count.h"
#include <glib.h>

#define GROUPS_MAX 20000
#define FEW_OF 100 /* a set smaller than this part of all is rather read from the records */

struct group {
	uint64_t count;
	uint64_t counted; /* the record that was counted last */
	GBytes *run;      /* the value in wire form */
};

struct groups {
	struct count count;
	const struct field *by;
	const struct query_by *how;
	GHashTable *table; /* normal form -> struct group */
	struct buf key, period;
	bool cut; /* a text is as long as a key: others may begin like it */
};

static void group_free(void *arg)
{
	struct group *g = arg;

	g_bytes_unref(g->run);
	g_free(g);
}

/* The first day of the period in which a date or an instant lies. */
static civil_date first_day(const struct groups *gs, const struct wire_field *w)
{
	civil_date day = gs->by->type == T_DATETIME ? zone_date(gs->how->zone, unzigzag(w->number))
						    : (civil_date)w->number;
	int month = date_month(day) - 1;

	return date_make(date_year(day), month - month % gs->how->months + 1, 1);
}

/* What stands for the value: itself, or its period. Valid until the next call. */
static struct bytes grouped(struct groups *gs, struct bytes run)
{
	struct bytes rest = run;
	struct wire_field w;

	if (!gs->how->months || !record_next(&rest, &w, NULL))
		return run;
	buf_clear(&gs->period);
	record_add_number(&gs->period, gs->by->tag, (uint64_t)first_day(gs, &w));
	return buf_bytes(&gs->period);
}

/* The group of a value; NULL when there are too many. */
static struct group *group_of(struct groups *gs, struct bytes run, struct error *e)
{
	struct wire_field w;
	struct group *g;
	GBytes *key;

	buf_clear(&gs->key);
	if (record_next(&run, &w, NULL)) {
		buf_add_u8(&gs->key, 1);
		if (w.wire == WIRE_BYTES)
			type_normal(gs->by, w.bytes, &gs->key);
		else
			buf_add_u64(&gs->key, w.number);
	}
	key = g_bytes_new(gs->key.data, gs->key.len);
	g = g_hash_table_lookup(gs->table, key);
	if (g || g_hash_table_size(gs->table) >= GROUPS_MAX) {
		g_bytes_unref(key);
		if (!g)
			error_set(e, STATUS_USAGE, "more than %d different values", GROUPS_MAX);
		return g;
	}
	g = g_new0(struct group, 1);
	g->run = g_bytes_new(NULL, 0);
	g_hash_table_insert(gs->table, key, g);
	return g;
}

static void spell(struct group *g, struct bytes run)
{
	g_bytes_unref(g->run);
	g->run = g_bytes_new(run.data, run.len);
}

/* Each item of a list counts for itself, and once. */
static enum status add_record(void *arg, const struct stored *record, struct error *e)
{
	struct groups *gs = arg;
	struct bytes run = record_run(record->fields, gs->by->tag), item = { 0 };
	struct wire_field w;

	do {
		if (record_next(&run, &w, NULL))
			item = grouped(gs, w.whole);
		struct group *g = group_of(gs, item, e);
		if (!g)
			return STATUS_USAGE;
		g->count += g->counted != record->id;
		g->counted = record->id;
		spell(g, item);
	} while (run.len > 0);
	return STATUS_OK;
}

/* Along the index. */

static void number_run(const struct field *by, struct bytes value, struct buf *run)
{
	uint64_t key = value.len == 8 ? get_be64(value.data) : 0;

	record_add_number(
		run, by->tag, type_is_signed(by->type) ? zigzag((int64_t)(key ^ 1ull << 63)) : key);
}

/* The value of an entry in wire form: numbers stand in the entry, texts in the record. */
static enum status entry_run(
	struct groups *gs, const struct index_entry *en, struct buf *run, struct error *e)
{
	struct count *c = &gs->count;
	struct stored record;
	struct wire_field w;
	enum status s;

	buf_clear(run);
	if (type_is_number(gs->by->type) && !key_is_hashed(gs->by)) {
		number_run(gs->by, en->value, run);
		return STATUS_OK;
	}
	s = store_get(c->txn, &scope_all, c->query->entity, en->id, &c->row, &record, e);
	while (!s && record_next(&record.fields, &w, NULL)) {
		struct key k;
		if (w.tag != gs->by->tag)
			continue;
		k = key_index_value(txn_store(c->txn), c->query->entity, gs->by, &w);
		if (bytes_equal(bytes_of(k.data + 4, k.len - 4), en->value))
			buf_add_bytes(run, w.whole);
	}
	return s;
}

static enum status add_entries(struct groups *gs, const struct index_entry *first, uint64_t n,
	struct buf *run, struct error *e)
{
	struct bytes whole, value;
	struct wire_field w;
	struct group *g;
	enum status s;

	gs->cut = gs->cut || first->value.len >= KEY_MAX;
	if (gs->cut)
		return STATUS_OK;
	s = entry_run(gs, first, run, e);
	whole = buf_bytes(run);
	if (s || !record_next(&whole, &w, NULL))
		return s;
	value = grouped(gs, w.whole);
	g = group_of(gs, value, e);
	if (!g)
		return STATUS_USAGE;
	g->count += n;
	spell(g, value);
	return STATUS_OK;
}

/* The ids of a block that are in the set (NULL: all): how many, and the first one if there is none yet. */
static uint64_t count_block(const struct posting_run *runs, size_t nruns, const struct bits *set,
	struct bits *seen, uint64_t *first)
{
	uint64_t n = 0;

	for (size_t i = 0; i < nruns; i++) {
		uint64_t in = set ? bits_count_run(set, runs[i].first, runs[i].n) : runs[i].n;
		n += in;
		if (in && !*first)
			*first = set ? bits_seek(set, runs[i].first, false) : runs[i].first;
		if (in)
			bits_set_run(seen, runs[i].first, runs[i].n);
	}
	return n;
}

static enum status add_unset(struct groups *gs, uint64_t rows, uint64_t set, struct error *e)
{
	struct group *g;

	if (rows <= set)
		return STATUS_OK;
	g = group_of(gs, (struct bytes){ 0 }, e);
	if (!g)
		return STATUS_USAGE;
	g->count = rows - set;
	return STATUS_OK;
}

/* All values and no condition: one look a value is enough, but of a list for those that have none. */
static enum status walk_values(struct groups *gs, struct entries *x, uint64_t rows, struct error *e)
{
	struct buf run = BUF_INIT;
	struct index_entry first;
	uint64_t n, set = 0;
	enum status s = STATUS_OK;

	while (!s && entries_value(x, &first, &n)) {
		s = add_entries(gs, &first, n, &run, e);
		set += n;
	}
	buf_free(&run);
	return s ? s : add_unset(gs, rows, set, e);
}

static enum status walk_sieved(struct groups *gs, struct entries *x, const struct bits *set,
	uint64_t rows, struct error *e)
{
	struct buf run = BUF_INIT;
	const struct posting_run *runs;
	struct index_entry en = { 0 };
	struct key value = { 0 };
	struct bits seen;
	struct bytes at;
	uint64_t n = 0;
	size_t nruns;
	enum status s = STATUS_OK;

	bits_init(&seen, (uint64_t)gs->count.plan.all + 1);
	while (!s && entries_block(x, &at, &runs, &nruns)) {
		if (!bytes_equal(at, key_bytes(&value))) {
			s = n > 0 ? add_entries(gs, &en, n, &run, e) : STATUS_OK;
			value.len = at.len;
			memcpy(value.data, at.data, at.len);
			en = (struct index_entry){ key_bytes(&value), 0 };
			n = 0;
		}
		n += count_block(runs, nruns, set, &seen, &en.id);
	}
	if (!s && n > 0)
		s = add_entries(gs, &en, n, &run, e);
	if (!s)
		s = add_unset(gs, rows, set ? bits_count_both(&seen, set) : bits_count(&seen), e);
	bits_release(&seen);
	buf_free(&run);
	return s;
}

static enum status walk_index(struct groups *gs, struct error *e)
{
	struct count *c = &gs->count;
	struct key prefix = key_index(c->query->entity->number, gs->by->tag);
	bool all = c->plan.ids->nparts == 0;
	struct entries *x = NULL;
	struct bits set = { 0 };
	uint64_t rows = 0;
	enum status s = STATUS_OK;

	if (all) {
		s = count_there(c, &rows);
	} else {
		bits_init(&set, (uint64_t)c->plan.all + 1);
		s = ids_fill(c->plan.ids, c->txn, &set, e);
		rows = bits_count(&set);
	}
	if (!s)
		s = entries_open(c->txn, &prefix, &x, e);
	if (!s && all && !type_is_list(gs->by->type))
		s = walk_values(gs, x, rows, e);
	else if (!s)
		s = walk_sieved(gs, x, all ? NULL : &set, rows, e);
	entries_close(&x);
	bits_release(&set);
	return s;
}

/* A name with a corrected reading stands twice. */
static bool index_tells(const struct groups *gs)
{
	const struct plan *p = &gs->count.plan;
	const struct field *by = gs->by;

	if (!p->exact || gs->count.query->trash || !plan_indexed(by) ||
		entity_field_reading(gs->count.query->entity, by))
		return false;
	return p->ids->nparts == 0 || (ids_names(p->ids) && p->ids->size * FEW_OF >= p->all);
}

static enum status report(
	struct groups *gs, void (*group)(void *arg, struct bytes run, uint64_t count), void *arg)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, gs->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct group *g = value;
		gsize len;
		const void *data = g_bytes_get_data(g->run, &len);
		group(arg, bytes_of(data, len), g->count);
	}
	return STATUS_OK;
}

enum status query_count_by(struct txn *t, const struct query *q, const struct query_by *by,
	void (*group)(void *arg, struct bytes run, uint64_t count), void *arg, struct error *e)
{
	struct groups gs = { .by = by->field, .how = by };
	enum status s = count_open(&gs.count, t, q, e);

	gs.table = g_hash_table_new_full(
		g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, group_free);
	if (!s && index_tells(&gs))
		s = walk_index(&gs, e);
	else
		gs.cut = true;
	if (!s && gs.cut) {
		g_hash_table_remove_all(gs.table);
		s = count_each(&gs.count, add_record, &gs);
	}
	if (!s)
		s = report(&gs, group, arg);
	g_hash_table_destroy(gs.table);
	buf_free(&gs.key);
	buf_free(&gs.period);
	count_close(&gs.count);
	return s;
}
