/* Pages of records: along a source in the order asked for, or the best of a scan. */
#include "server/store/query.h"
#include "common/clock.h"
#include "server/store/plan.h"
#include <glib.h>

#define ROWS_BEFORE_CLOCK 16
#define SCAN_MAX_US 10000000

struct page {
	struct txn *txn;
	const struct query *query;
	struct scope scope; /* as the query's, with the trash when it is asked for */
	struct order order;
	struct plan plan;
	struct position after; /* where the page before ended */
	bool resumed;
	int64_t deadline_us;
	size_t scanned;
	struct buf row;
	query_row *fn;
	void *arg;
	uint32_t given;
	struct position last; /* of the last row given, or the last one read */
	bool more;            /* last is where the next page goes on */
	struct query_result *result;
	struct error *e;
};

/* Reads a candidate. STATUS_NOT_FOUND: no row of this query. */
static enum status read_row(struct page *p, uint64_t id, struct stored *out)
{
	enum status s = store_get(p->txn, &p->scope, p->query->entity, id, &p->row, out, p->e);

	if (s == STATUS_NOT_FOUND && p->e)
		error_clear(p->e);
	if (s)
		return s;
	if (out->deleted != p->query->trash ||
		!condition_match(p->query->condition, p->txn, p->query->scope, out))
		return STATUS_NOT_FOUND;
	return STATUS_OK;
}

static bool time_over(struct page *p)
{
	return p->deadline_us && ++p->scanned % ROWS_BEFORE_CLOCK == 0 &&
	       monotonic_us() >= p->deadline_us;
}

/* Streaming. */

static void place(
	struct page *p, const struct cursor *c, uint64_t id, bool unset, struct position *out)
{
	out->id = id;
	if (p->order.n == 1 && !unset)
		cursor_key(c, &out->keys[0]);
	else
		out->keys[0] = (struct position_key){ 0 };
}

/* Of the two index entries of a name with a corrected reading the one for equality is no place in the order. */
static bool misplaced(const struct page *p, const struct cursor *c, const struct stored *record)
{
	const struct order_key *by = &p->order.keys[0];
	struct position here = { .id = record->id }, right;

	if (p->order.n != 1 || !by->reading || !record_has(record->fields, by->reading->tag))
		return false;
	cursor_key(c, &here.keys[0]);
	order_position(&p->order, record, &right);
	return order_compare(&p->order, &here, &right) != 0;
}

/* One candidate of a stream. *done ends the page. */
static enum status stream_row(
	struct page *p, const struct cursor *c, uint64_t id, bool unset, bool *done)
{
	struct stored record;
	enum status s = read_row(p, id, &record);
	bool skip = s == STATUS_NOT_FOUND ||
		    (!s && unset && record_has(record.fields, p->order.keys[0].field->tag)) ||
		    (!s && !unset && misplaced(p, c, &record));

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (!skip && p->given >= p->query->limit) {
		p->more = *done = true;
		return STATUS_OK;
	}
	if (p->given < p->query->limit)
		place(p, c, id, unset, &p->last);
	if (!skip) {
		p->given++;
		*done = !p->fn(p->arg, &record);
		p->more = *done;
	}
	if (!*done && time_over(p))
		p->more = p->result->cut = *done = true;
	return STATUS_OK;
}

static enum status stream(struct page *p, const struct source *source, bool unset, bool *done)
{
	bool by_key = source->kind == SOURCE_RANGE;
	bool down = by_key ? p->order.keys[0].descending : unset || p->order.id_descending;
	struct cursor *c;
	uint64_t id;
	enum status s = cursor_open(p->txn, p->query->entity, source, down, &c, p->e);

	if (s)
		return s;
	if (p->resumed && by_key)
		cursor_after_key(c, &p->after.keys[0], p->after.id);
	else if (p->resumed)
		cursor_after_id(c, p->after.id);
	p->resumed = false;
	while (!s && !*done && cursor_next(c, &id))
		s = stream_row(p, c, id, unset, done);
	cursor_close(&c);
	return s;
}

static enum status run_stream(struct page *p)
{
	bool unset = p->resumed && p->order.n == 1 && !p->after.keys[0].has;
	bool done = p->query->limit == 0;
	enum status s = STATUS_OK;

	if (!unset)
		s = stream(p, &p->plan.source, false, &done);
	if (!s && !done && p->plan.then_unset)
		s = stream(p, &p->plan.rest, true, &done);
	return s;
}

/* The best of a scan: a heap with the worst on top. */

struct best {
	const struct order *order;
	struct position *items;
	size_t n, max;
};

static void swap(struct position *a, struct position *b)
{
	struct position t = *a;

	*a = *b;
	*b = t;
}

static bool worse(const struct best *b, size_t i, size_t k)
{
	return order_compare(b->order, &b->items[i], &b->items[k]) > 0;
}

static void sift_down(struct best *b, size_t n)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && worse(b, child + 1, child))
			child++;
		if (!worse(b, child, i))
			return;
		swap(&b->items[i], &b->items[child]);
		i = child;
	}
}

static void best_add(struct best *b, const struct position *p)
{
	size_t i = b->n;

	if (b->n == b->max) {
		if (order_compare(b->order, p, &b->items[0]) < 0) {
			b->items[0] = *p;
			sift_down(b, b->n);
		}
		return;
	}
	b->items[b->n++] = *p;
	for (; i > 0 && worse(b, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(&b->items[i], &b->items[(i - 1) / 2]);
}

/* Into the order of the rows. */
static void best_sort(struct best *b)
{
	for (size_t n = b->n; n > 1; n--) {
		swap(&b->items[0], &b->items[n - 1]);
		sift_down(b, n - 1);
	}
}

static enum status scan(struct page *p, struct best *best)
{
	int64_t limit_us = monotonic_us() + SCAN_MAX_US;
	struct cursor *c;
	struct stored record;
	struct position at;
	uint64_t id;
	enum status s = cursor_open(p->txn, p->query->entity, &p->plan.source, true, &c, p->e);

	if (s)
		return s;
	while (!s && !p->result->cut && cursor_next(c, &id)) {
		s = read_row(p, id, &record);
		if (!s)
			order_position(&p->order, &record, &at);
		if (!s && (!p->resumed || order_compare(&p->order, &p->after, &at) < 0))
			best_add(best, &at);
		if (s == STATUS_NOT_FOUND)
			s = STATUS_OK;
		p->scanned++;
		if (p->query->brief && p->scanned % ROWS_BEFORE_CLOCK == 0)
			p->result->cut = monotonic_us() >= p->deadline_us;
		if (!s && p->scanned % 1024 == 0 && monotonic_us() > limit_us)
			s = error_set(p->e, STATUS_USAGE,
				"this order reads too many records: narrow the filter");
	}
	cursor_close(&c);
	return s;
}

static enum status give(struct page *p, const struct best *best)
{
	enum status s = STATUS_OK;
	bool go = true;

	for (size_t i = 0; i < best->n && i < p->query->limit && go && !s; i++) {
		struct stored record;

		s = read_row(p, best->items[i].id, &record);
		if (s == STATUS_NOT_FOUND) {
			s = STATUS_OK;
			continue;
		}
		if (!s) {
			p->last = best->items[i];
			p->given++;
			go = p->fn(p->arg, &record);
		}
	}
	p->more = !go || best->n > p->query->limit;
	return s;
}

static enum status run_scan(struct page *p)
{
	struct best best = { .order = &p->order, .max = (size_t)p->query->limit + 1 };
	enum status s;

	best.items = g_new(struct position, best.max);
	s = scan(p, &best);
	best_sort(&best);
	if (!s && !p->result->cut)
		s = give(p, &best);
	g_free(best.items);
	return s;
}

enum status query_run(struct txn *t, const struct query *q, int64_t deadline_us, query_row *row,
	void *arg, struct query_result *out, struct error *e)
{
	struct page *p = g_new0(struct page, 1);
	enum status s;

	*out = (struct query_result){ 0 };
	p->txn = t;
	p->query = q;
	p->scope = *q->scope;
	p->scope.trash_too = q->trash;
	p->deadline_us = deadline_us;
	p->fn = row;
	p->arg = arg;
	p->result = out;
	p->e = e;
	p->resumed = q->after.len > 0;
	s = order_parse(q->sort, q->entity, &p->order, e);
	if (!s && p->resumed)
		s = position_read(&p->order, q->after, &p->after, e);
	if (!s)
		s = plan_make(t, q, &p->order, &p->plan, e);
	if (!s)
		plan_explain(&p->plan, q, &p->order, &out->explain);
	if (!s)
		s = p->plan.streaming ? run_stream(p) : run_scan(p);
	if (!s && p->more)
		position_write(&p->order, &p->last, &out->next);
	plan_free(&p->plan);
	buf_free(&p->row);
	g_free(p);
	return s;
}
