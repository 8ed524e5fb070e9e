/* Pages of records: along a source in the order asked for, or the best of a scan. */
#include "server/store/query.h"
#include "common/clock.h"
#include "server/store/plan.h"
#include <glib.h>

#define ROWS_BEFORE_CLOCK 16
#define CLOCK_WEIGHT                                                                               \
	256 /* entries passed between two looks at the clock; a record read is worth 16 */
#define SCAN_MAX_US 10000000
#define BRIEF_ROWS 1000    /* more are not sorted on a loop */
#define BRIEF_PLACES 30000 /* the same by their places */
#define PLACES_BEFORE_CLOCK 4096

struct page {
	struct txn *txn;
	const struct query *query;
	struct scope scope; /* as the query's, with the trash when it is asked for */
	struct order order;
	struct plan plan;
	struct position after; /* where the page before ended */
	bool resumed;
	int64_t deadline_us;
	int64_t limit_us; /* when a scan gives up */
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

/* weight: how much of a look at the clock this step is worth. */
static bool time_over(struct page *p, size_t weight)
{
	p->scanned += weight;
	if (!p->deadline_us || p->scanned < CLOCK_WEIGHT)
		return false;
	p->scanned = 0;
	return monotonic_us() >= p->deadline_us;
}

/* Row after row. */

/* The value of an entry as a place in the order: that of a text ends with a NUL. */
static void entry_key(const struct field *f, const struct index_entry *en, struct position_key *out)
{
	size_t tail = type_is_number(f->type) ? 0 : 1;

	out->has = true;
	out->len = 0;
	if (en->value.len < tail || en->value.len - tail > KEY_MAX)
		return;
	out->len = (uint8_t)(en->value.len - tail);
	memcpy(out->data, en->value.data, out->len);
}

/* Where an id stands; en: its entry in the order's index, NULL: among those without a value, or in the order of ids. */
static void place(struct page *p, const struct index_entry *en, uint64_t id, struct position *out)
{
	out->id = id;
	out->keys[0] = (struct position_key){ 0 };
	if (en)
		entry_key(p->order.keys[0].field, en, &out->keys[0]);
}

/* Of the two index entries of a name with a corrected reading the one for equality is no place in the order. */
static bool misplaced(
	const struct page *p, const struct position *here, const struct stored *record)
{
	const struct order_key *by = &p->order.keys[0];
	struct position right;

	if (!by->reading || !record_has(record->fields, by->reading->tag))
		return false;
	order_position(&p->order, record, &right);
	return order_compare_first(&p->order, here, &right) != 0;
}

static bool skipped(const struct page *p, const struct index_entry *en, const struct position *here,
	const struct stored *record)
{
	if (en)
		return misplaced(p, here, record);
	return p->order.n > 0 && record_has(record->fields, p->order.keys[0].field->tag);
}

/* One candidate of a stream. *done ends the page. */
static enum status stream_row(struct page *p, const struct index_entry *en, uint64_t id, bool *done)
{
	struct stored record;
	struct position here;
	enum status s = read_row(p, id, &record);
	bool skip;

	if (s && s != STATUS_NOT_FOUND)
		return s;
	place(p, en, id, &here);
	skip = s || skipped(p, en, &here, &record);
	if (!skip && p->given >= p->query->limit) {
		p->more = *done = true;
		return STATUS_OK;
	}
	if (p->given < p->query->limit)
		p->last = here;
	if (!skip) {
		p->given++;
		*done = !p->fn(p->arg, &record);
		p->more = *done;
	}
	if (!*done && time_over(p, CLOCK_WEIGHT / 16))
		p->more = p->result->cut = *done = true;
	return STATUS_OK;
}

/* An entry that the sieve holds back; the page may end at it. */
static void pass_entry(struct page *p, const struct index_entry *en, bool *done)
{
	if (!time_over(p, 1))
		return;
	if (p->given < p->query->limit)
		place(p, en, en->id, &p->last);
	p->more = p->result->cut = *done = true;
}

static void seek_stretch(struct page *p, struct entries *x, bool down)
{
	const struct ids *stretch = p->plan.stretch;
	const struct field *f = stretch->field;
	struct key k = key_index(stretch->entity->number, f->tag);
	const struct position_key *at = &p->after.keys[0];
	bool past_low, past_high;

	memcpy(k.data + k.len, at->data, at->len);
	k.len += at->len;
	if (!type_is_number(f->type))
		k.data[k.len++] = 0;
	if (p->plan.way == WAY_GROUPS)
		key_add_u64(&k, down ? UINT64_MAX : 0);
	else
		key_add_u64(&k, down ? p->after.id - 1 : p->after.id + 1);
	past_low = bytes_compare(key_bytes(&k), key_bytes(&stretch->low)) > 0;
	past_high = bytes_compare(key_bytes(&k), key_bytes(&stretch->high)) < 0;
	if (p->resumed && (down ? past_high : past_low))
		entries_seek_key(x, &k, down);
	else
		entries_seek_key(x, down ? &stretch->high : &stretch->low, down);
}

/* The next entry of the stretch that is in the set. */
static bool next_entry(
	struct page *p, struct entries *x, bool down, struct index_entry *en, bool *done)
{
	const struct ids *stretch = p->plan.stretch;

	while (!*done && entries_step(x, down, en)) {
		if (down ? entry_compare(en, &stretch->low) < 0
			 : entry_compare(en, &stretch->high) > 0)
			return false;
		if (ids_has(p->plan.ids, en->id))
			return true;
		pass_entry(p, en, done);
	}
	return false;
}

static enum status open_stretch(struct page *p, bool down, struct entries **out)
{
	struct key prefix = key_index(p->query->entity->number, p->plan.stretch->field->tag);
	enum status s = entries_open(p->txn, &prefix, out, p->e);

	if (!s)
		seek_stretch(p, *out, down);
	return s;
}

static enum status stream_stretch(struct page *p, bool *done)
{
	bool down = p->order.keys[0].descending;
	struct entries *x;
	struct index_entry en;
	enum status s = open_stretch(p, down, &x);

	while (!s && next_entry(p, x, down, &en, done))
		s = stream_row(p, &en, en.id, done);
	entries_close(&x);
	return s;
}

static enum status stream_ids(struct page *p, uint64_t after, bool *done)
{
	bool down = p->plan.ids->down;
	uint64_t id = down ? UINT64_MAX : 1;
	enum status s = STATUS_OK;

	if (after)
		id = down ? after - 1 : after + 1;
	while (!s && !*done && id && (id = ids_seek(p->plan.ids, id)) != 0) {
		s = stream_row(p, NULL, id, done);
		id = down ? id - 1 : id + 1;
	}
	return s;
}

static enum status run_stream(struct page *p)
{
	bool unset = p->resumed && p->order.n == 1 && !p->after.keys[0].has;
	bool done = p->query->limit == 0;
	uint64_t after = p->resumed && (unset || p->order.n == 0) ? p->after.id : 0;
	enum status s = STATUS_OK;

	if (done)
		return s;
	if (p->plan.way == WAY_IDS)
		return stream_ids(p, after, &done);
	if (!unset)
		s = stream_stretch(p, &done);
	if (s || done || !p->plan.then_unset)
		return s;
	s = plan_rest(&p->plan, p->txn, p->query, p->e);
	return s ? s : stream_ids(p, after, &done);
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

/* One candidate of a scan. */
static enum status scan_row(
	struct page *p, struct best *best, uint64_t id, const struct index_entry *en, bool unset)
{
	struct stored record;
	struct position at;
	int64_t before;
	enum status s = read_row(p, id, &record);

	if (!s) {
		if (en)
			place(p, en, id, &at);
		if ((en && misplaced(p, &at, &record)) ||
			(unset && record_has(record.fields, p->order.keys[0].field->tag)))
			s = STATUS_NOT_FOUND;
		order_position(&p->order, &record, &at);
	}
	if (!s && (!p->resumed || order_compare(&p->order, &p->after, &at) < 0))
		best_add(best, &at);
	before = monotonic_us();
	query_pause(p->query, &p->scanned);
	p->limit_us += monotonic_us() - before;
	if (p->query->brief && p->scanned % ROWS_BEFORE_CLOCK == 0)
		p->result->cut = monotonic_us() >= p->deadline_us;
	if (p->scanned % 1024 == 0 && monotonic_us() > p->limit_us)
		return error_set(
			p->e, STATUS_USAGE, "this order reads too many records: narrow the filter");
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status scan(struct page *p, struct best *best, bool unset)
{
	enum status s = STATUS_OK;
	uint64_t id = UINT64_MAX;

	while (!s && !p->result->cut && id && (id = ids_seek(p->plan.ids, id)) != 0) {
		s = scan_row(p, best, id, NULL, unset);
		id--;
	}
	return s;
}

/* Whether the rows found are the best whatever comes behind this entry. */
static bool settled(const struct page *p, const struct best *best, const struct index_entry *en)
{
	struct position here = { .id = en->id };

	entry_key(p->order.keys[0].field, en, &here.keys[0]);
	return best->n == best->max && order_compare_first(&p->order, &best->items[0], &here) < 0;
}

/* Along the index of the first field, as far as the page needs. */
static enum status scan_groups(struct page *p, struct best *best)
{
	bool down = p->order.keys[0].descending, unset = p->resumed && !p->after.keys[0].has;
	int64_t deadline_us = p->deadline_us;
	struct entries *x = NULL;
	struct index_entry en;
	bool done = unset;
	enum status s = unset ? STATUS_OK : open_stretch(p, down, &x);

	if (!p->query->brief)
		p->deadline_us = 0; /* a group is sorted whole */
	while (!s && !p->result->cut && next_entry(p, x, down, &en, &done)) {
		done = settled(p, best, &en);
		if (!done)
			s = scan_row(p, best, en.id, &en, false);
	}
	p->deadline_us = deadline_us;
	entries_close(&x);
	if (s || p->result->cut || (done && !unset) || !p->plan.then_unset || best->n == best->max)
		return s;
	s = plan_rest(&p->plan, p->txn, p->query, p->e);
	return s ? s : scan(p, best, true);
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
	p->limit_us = monotonic_us() + SCAN_MAX_US;
	s = p->plan.way == WAY_GROUPS ? scan_groups(p, &best) : scan(p, &best, false);
	best_sort(&best);
	if (!s && !p->result->cut)
		s = give(p, &best);
	g_free(best.items);
	return s;
}

/* Sorted by places: all candidates with their places in a heap with the next one on top. */

struct pick {
	uint64_t
		at; /* twice the place and one; an id that was asked stands before the place that follows its entry */
	uint64_t id;
	struct position *position; /* of one that was asked; or NULL */
};

struct picks {
	struct pick *items;
	size_t n, cap;
	GPtrArray *positions;
	uint32_t from, before; /* places that are left for this page */
	bool down, unset;      /* only those without a value are left */
};

#define AT_UNSET UINT64_MAX

static bool pick_before(const struct page *p, const struct pick *a, const struct pick *b)
{
	bool down = p->order.keys[0].descending;

	if (a->at == AT_UNSET && b->at == AT_UNSET)
		return a->id > b->id;
	if (a->at == AT_UNSET || b->at == AT_UNSET)
		return b->at == AT_UNSET;
	if (a->at == b->at && a->position && b->position)
		return order_compare(&p->order, a->position, b->position) < 0;
	return down ? a->at > b->at : a->at < b->at;
}

static void picks_sink(const struct page *p, struct picks *x, size_t i)
{
	size_t child;

	while ((child = 2 * i + 1) < x->n) {
		if (child + 1 < x->n && pick_before(p, &x->items[child + 1], &x->items[child]))
			child++;
		if (!pick_before(p, &x->items[child], &x->items[i]))
			return;
		struct pick t = x->items[i];
		x->items[i] = x->items[child];
		x->items[child] = t;
		i = child;
	}
}

static void picks_add(struct picks *x, struct pick pick)
{
	x->items = items_grow(x->items, x->n, &x->cap, sizeof(*x->items));
	x->items[x->n++] = pick;
}

static void position_entry(const struct page *p, const struct position *at, struct key *out)
{
	const struct field *f = p->order.keys[0].field;

	*out = key_index(p->query->entity->number, (uint16_t)f->tag);
	memcpy(out->data + out->len, at->keys[0].data, at->keys[0].len);
	out->len += at->keys[0].len;
	if (!type_is_number(f->type))
		out->data[out->len++] = 0;
}

/* What the page before has left. */
static void picks_bound(struct page *p, struct picks *x)
{
	struct key k;

	x->down = p->order.keys[0].descending;
	x->before = UINT32_MAX;
	x->unset = p->resumed && !p->after.keys[0].has;
	if (!p->resumed || x->unset)
		return;
	position_entry(p, &p->after, &k);
	key_add_u64(&k, p->after.id + !x->down);
	if (x->down)
		x->before = places_from(p->plan.places, p->txn, &k);
	else
		x->from = places_from(p->plan.places, p->txn, &k);
}

/* One that only the record knows. */
static enum status pick_asked(struct page *p, struct picks *x, uint64_t id)
{
	struct position *at;
	struct stored record;
	struct key k;
	enum status s = read_row(p, id, &record);

	if (s)
		return s == STATUS_NOT_FOUND ? STATUS_OK : s;
	at = g_new0(struct position, 1);
	g_ptr_array_add(x->positions, at);
	order_position(&p->order, &record, at);
	if (p->resumed && order_compare(&p->order, &p->after, at) >= 0)
		return STATUS_OK;
	if (!at->keys[0].has) {
		picks_add(x, (struct pick){ AT_UNSET, id, at });
		return STATUS_OK;
	}
	position_entry(p, at, &k);
	key_add_u64(&k, id);
	picks_add(
		x, (struct pick){ 2 * (uint64_t)places_from(p->plan.places, p->txn, &k), id, at });
	return STATUS_OK;
}

static enum status pick_one(struct page *p, struct picks *x, uint64_t id)
{
	uint32_t place = places_at(p->plan.places, id);

	if (place == PLACE_ASK)
		return pick_asked(p, x, id);
	if (place == PLACE_NONE && (!x->unset || id < p->after.id))
		picks_add(x, (struct pick){ AT_UNSET, id, NULL });
	else if (place != PLACE_NONE && !x->unset && place >= x->from && place < x->before)
		picks_add(x, (struct pick){ 2 * (uint64_t)place + 1, id, NULL });
	return STATUS_OK;
}

/* What is marked while they are gathered may stand at a wrong place: then once more. */
static enum status picks_gather(struct page *p, struct picks *x)
{
	enum status s = STATUS_OK;
	size_t marked, seen = 0;
	uint64_t id;

	do {
		marked = places_marked(p->plan.places);
		x->n = 0;
		picks_bound(p, x);
		id = UINT64_MAX;
		while (!s && !p->result->cut && id && (id = ids_seek(p->plan.ids, id)) != 0) {
			s = pick_one(p, x, id--);
			if (p->query->brief && ++seen % PLACES_BEFORE_CLOCK == 0)
				p->result->cut = monotonic_us() >= p->deadline_us;
		}
	} while (!s && !p->result->cut && places_marked(p->plan.places) != marked);
	for (size_t i = x->n / 2; !s && i-- > 0;)
		picks_sink(p, x, i);
	return s;
}

static enum status give_pick(struct page *p, const struct pick *pick, bool *done)
{
	struct stored record;
	enum status s = read_row(p, pick->id, &record);
	bool row = !s;

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (row && p->given >= p->query->limit) {
		p->more = *done = true;
		return STATUS_OK;
	}
	if (record.fields.data && p->given < p->query->limit)
		order_position(&p->order, &record, &p->last);
	if (row) {
		p->given++;
		*done = !p->fn(p->arg, &record);
		p->more = *done;
	}
	if (!*done && record.fields.data && time_over(p, CLOCK_WEIGHT / 16))
		p->more = p->result->cut = *done = true;
	return STATUS_OK;
}

static enum status run_places(struct page *p)
{
	struct picks x = { .positions = g_ptr_array_new_with_free_func(g_free) };
	bool done = p->query->limit == 0;
	enum status s = done ? STATUS_OK : picks_gather(p, &x);

	while (!s && !done && !p->result->cut && x.n > 0) {
		struct pick top = x.items[0];
		x.items[0] = x.items[--x.n];
		picks_sink(p, &x, 0);
		s = give_pick(p, &top, &done);
	}
	g_ptr_array_free(x.positions, TRUE);
	free(x.items);
	return s;
}

/* What would be given up at the deadline is not begun. */
static bool too_long(const struct page *p)
{
	double most = p->plan.way == WAY_PLACES ? BRIEF_PLACES : BRIEF_ROWS;

	return p->query->brief &&
	       (p->plan.slow || (p->plan.way >= WAY_GROUPS && p->plan.ids->size > most));
}

static enum status run(struct page *p)
{
	plan_explain(&p->plan, p->query, &p->order, &p->result->explain);
	p->result->scans = p->plan.scans;
	if (p->plan.way == WAY_PLACES)
		return run_places(p);
	return p->plan.way == WAY_IDS || p->plan.way == WAY_INDEX ? run_stream(p) : run_scan(p);
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
		s = plan_make(t, q, &p->order, false, &p->plan, e);
	if (!s && too_long(p))
		out->cut = true;
	else if (!s)
		s = run(p);
	if (!s && p->more)
		position_write(&p->order, &p->last, &out->next);
	plan_free(&p->plan);
	buf_free(&p->row);
	g_free(p);
	return s;
}
