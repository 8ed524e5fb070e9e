/*
 * Where postings are kept.
 *
 *   term   entity u16 | term[16] | ~(id >> 14) u32   -> ids of the block, descending: varints of the distance to the one before (first: to 16384)
 *   pend   number u64                                -> postings of one commit: entity u16 | term[16] | ~id u64 | remove u8, ascending
 *
 * A search reads the blocks and all pending rows; the newest word on a posting counts.
 */
#include "server/store/search.h"

#define BLOCK_BITS 14
#define BLOCK_IDS (1u << BLOCK_BITS)
#define TERM_PREFIX (2 + SEARCH_TERM)
#define TERM_KEY (TERM_PREFIX + 4)
#define PEND_KEY_LEN (TERM_PREFIX + 8)
#define PEND_ENTRY (PEND_KEY_LEN + 1)
#define PEND_MAX 4096u   /* postings of a commit that are put off */
#define MERGE_MAX 20000u /* postings merged at a time */

/* ---- Blocks ---- */

struct block {
	uint16_t ids[BLOCK_IDS]; /* low bits, descending */
	size_t n;
};

static void term_key_put(uint8_t key[TERM_KEY], const uint8_t *prefix, uint64_t high)
{
	memcpy(key, prefix, TERM_PREFIX);
	put_be32(key + TERM_PREFIX, ~(uint32_t)high);
}

/* ids has room for one a byte. */
static bool ids_decode(struct bytes in, uint16_t *ids, size_t *n)
{
	uint64_t at = BLOCK_IDS, distance;

	*n = 0;
	while (in.len > 0) {
		if (!take_varint(&in, &distance) || distance == 0 || distance > at)
			return false;
		at -= distance;
		ids[(*n)++] = (uint16_t)at;
	}
	return true;
}

static bool block_decode(struct bytes in, struct block *out)
{
	return ids_decode(in, out->ids, &out->n);
}

static void block_encode(const struct block *b, struct buf *out)
{
	uint32_t at = BLOCK_IDS;

	for (size_t i = 0; i < b->n; i++) {
		buf_add_varint(out, at - b->ids[i]);
		at = b->ids[i];
	}
}

/* ---- Postings of a commit ---- */

static int compare_places(const struct posting *a, const struct posting *b)
{
	int order;

	if (a->entity != b->entity)
		return a->entity < b->entity ? -1 : 1;
	order = memcmp(a->term, b->term, SEARCH_TERM);
	if (order != 0)
		return order;
	return a->id == b->id ? 0 : a->id > b->id ? -1 : 1;
}

/* A posting's place in the order: what stands first in it is kept beside, as most comparisons need no more. */
struct place {
	uint64_t first;
	uint32_t index;
};

static int compare_in_order(const void *a, const void *b, void *arg)
{
	const struct posting *items = arg;
	const struct place *x = a, *y = b;
	int order;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	order = compare_places(&items[x->index], &items[y->index]);
	return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* Ascending, ids descending; of several with the same place the last one stays. */
static enum status postings_sort(struct postings *p, struct error *e)
{
	struct place *order = malloc((p->n + 1) * sizeof *order);
	struct posting *sorted = malloc((p->n + 1) * sizeof *sorted);
	size_t n = 0;

	if (order == NULL || sorted == NULL) {
		free(order);
		free(sorted);
		return error_set(e, STATUS_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < p->n; i++)
		order[i] = (struct place){ (uint64_t)p->items[i].entity << 48 |
						   get_be64(p->items[i].term) >> 16,
			(uint32_t)i };
	qsort_r(order, p->n, sizeof *order, compare_in_order, p->items);
	for (size_t i = 0; i < p->n; i++) {
		const struct posting *item = &p->items[order[i].index];

		if (n > 0 && compare_places(&sorted[n - 1], item) == 0)
			n--;
		sorted[n++] = *item;
	}
	free(order);
	free(p->items);
	p->items = sorted;
	p->cap = p->n + 1;
	p->n = n;
	return STATUS_OK;
}

static void entry_encode(const struct posting *p, struct buf *out)
{
	buf_add_u16(out, p->entity);
	buf_add(out, p->term, SEARCH_TERM);
	buf_add_u64(out, ~p->id);
	buf_add_u8(out, p->remove);
}

static struct posting entry_decode(const uint8_t *at)
{
	struct posting p = { .entity = get_be16(at),
		.id = ~get_be64(at + TERM_PREFIX),
		.remove = at[PEND_KEY_LEN] != 0 };

	memcpy(p.term, at + 2, SEARCH_TERM);
	return p;
}

/* ---- Merging into blocks ---- */

/* items: n postings of one block, ids descending. */
static void block_apply(
	const struct block *old, const struct posting *items, size_t n, struct block *out)
{
	size_t i = 0, k = 0;

	out->n = 0;
	while (i < old->n || k < n) {
		uint32_t low = k < n ? (uint32_t)(items[k].id & (BLOCK_IDS - 1)) : 0;

		if (k == n || (i < old->n && old->ids[i] > low)) {
			out->ids[out->n++] = old->ids[i++];
			continue;
		}
		if (!items[k].remove)
			out->ids[out->n++] = (uint16_t)low;
		if (i < old->n && old->ids[i] == low)
			i++;
		k++;
	}
}

struct merge {
	struct txn *txn;
	struct block old, new;
	struct buf value;
};

static enum status merge_block(
	struct merge *m, const struct posting *items, size_t n, struct error *e)
{
	uint8_t prefix[TERM_PREFIX], bytes[TERM_KEY];
	struct bytes key = { bytes, TERM_KEY };
	enum status status;

	put_be16(prefix, items->entity);
	memcpy(prefix + 2, items->term, SEARCH_TERM);
	term_key_put(bytes, prefix, items->id >> BLOCK_BITS);
	status = txn_get(m->txn, SPACE_TERM, key, &m->value, e);
	if (status == STATUS_NOT_FOUND)
		buf_clear(&m->value);
	else if (status != STATUS_OK)
		return status;
	if (!block_decode(buf_bytes(&m->value), &m->old))
		return error_reason(
			e, STATUS_INTERNAL, "damaged", "block of a search term is damaged");
	block_apply(&m->old, items, n, &m->new);
	if (m->new.n == 0)
		return m->old.n == 0 ? STATUS_OK : txn_del(m->txn, SPACE_TERM, key, e);
	if (m->new.n == m->old.n && memcmp(m->new.ids, m->old.ids, 2 * m->new.n) == 0)
		return STATUS_OK;
	buf_clear(&m->value);
	block_encode(&m->new, &m->value);
	return txn_put(m->txn, SPACE_TERM, key, buf_bytes(&m->value), e);
}

static bool same_block(const struct posting *a, const struct posting *b)
{
	return a->entity == b->entity && memcmp(a->term, b->term, SEARCH_TERM) == 0 &&
	       a->id >> BLOCK_BITS == b->id >> BLOCK_BITS;
}

/* p is sorted. */
static enum status merge_postings(struct txn *t, const struct postings *p, struct error *e)
{
	struct merge *m = calloc(1, sizeof *m);
	enum status status = STATUS_OK;

	if (m == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	m->txn = t;
	for (size_t i = 0, k; status == STATUS_OK && i < p->n; i = k) {
		for (k = i + 1; k < p->n && same_block(&p->items[i], &p->items[k]); k++)
			;
		status = merge_block(m, &p->items[i], k - i, e);
	}
	buf_free(&m->value);
	free(m);
	return status;
}

/* ---- Pending rows ---- */

struct pending {
	struct buf *rows; /* oldest first */
	uint64_t *numbers;
	size_t n;
};

static bool row_sound(struct bytes row)
{
	return row.len % PEND_ENTRY == 0;
}

void pending_free(struct pending **p)
{
	if (p == NULL || *p == NULL)
		return;
	for (size_t i = 0; i < (*p)->n; i++)
		buf_free(&(*p)->rows[i]);
	free((*p)->rows);
	free((*p)->numbers);
	free(*p);
	*p = NULL;
}

static enum status pending_add(struct pending *p, struct walk *w, struct bytes key, struct error *e)
{
	struct buf *rows = realloc(p->rows, (p->n + 1) * sizeof *rows);
	uint64_t *numbers = realloc(p->numbers, (p->n + 1) * sizeof *numbers);
	enum status status;

	p->rows = rows != NULL ? rows : p->rows;
	p->numbers = numbers != NULL ? numbers : p->numbers;
	if (rows == NULL || numbers == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	memset(&rows[p->n], 0, sizeof *rows);
	numbers[p->n] = key.len == 8 ? get_be64(key.data) : 0;
	status = walk_value(w, &rows[p->n], e);
	if (status == STATUS_OK && (key.len != 8 || !row_sound(buf_bytes(&rows[p->n]))))
		status = error_reason(
			e, STATUS_INTERNAL, "damaged", "row of pending postings is damaged");
	p->n++;
	return status;
}

/* Reads rows, oldest first, until they hold max postings or more. */
static enum status pending_read_some(
	struct txn *t, size_t max, struct pending **out, bool *more, struct error *e)
{
	struct pending *p = calloc(1, sizeof *p);
	struct walk *w = NULL;
	struct bytes key;
	size_t total = 0;
	enum status status;

	*more = false;
	if (p == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	status = walk_open(t, SPACE_PEND, bytes_str(""), &w, e);
	while (status == STATUS_OK && walk_next(w, &key)) {
		if (total >= max) {
			*more = true;
			break;
		}
		status = pending_add(p, w, key, e);
		total += p->rows[p->n - 1].len / PEND_ENTRY;
	}
	walk_close(&w);
	if (status != STATUS_OK)
		pending_free(&p);
	*out = p;
	return status;
}

enum status pending_read(struct txn *t, struct pending **out, struct error *e)
{
	bool more;

	return pending_read_some(t, SIZE_MAX, out, &more, e);
}

/* First entry of a row that is not below key. */
static size_t row_find(struct bytes row, struct bytes key)
{
	size_t low = 0, high = row.len / PEND_ENTRY;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(row.data + middle * PEND_ENTRY, key.data, key.len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum status pending_number(struct txn *t, uint64_t *out, struct error *e)
{
	struct walk *w = NULL;
	struct bytes key;
	enum status status = walk_open(t, SPACE_PEND, bytes_str(""), &w, e);

	*out = 1;
	if (status == STATUS_OK && walk_prev(w, &key) && key.len == 8)
		*out = get_be64(key.data) + 1;
	walk_close(&w);
	return status;
}

static enum status pending_put(
	struct txn *t, uint64_t number, const struct buf *row, struct error *e)
{
	uint8_t key[8];

	put_be64(key, number);
	if (row->len == 0)
		return txn_del(t, SPACE_PEND, bytes_of(key, 8), e);
	return txn_put(t, SPACE_PEND, bytes_of(key, 8), buf_bytes(row), e);
}

static bool postings_have(const struct postings *p, const struct posting *item)
{
	return bsearch(item, p->items, p->n, sizeof *p->items,
		       (int (*)(const void *, const void *))compare_places) != NULL;
}

/* Takes what newer postings say again out of one pending row. */
static enum status pending_forget(struct txn *t, const struct pending *pending, size_t i,
	const struct postings *newer, struct error *e)
{
	struct bytes row = buf_bytes(&pending->rows[i]);
	struct buf kept = BUF_INIT;
	enum status status = STATUS_OK;

	for (size_t at = 0; at < row.len; at += PEND_ENTRY) {
		struct posting item = entry_decode(row.data + at);

		if (!postings_have(newer, &item))
			buf_add(&kept, row.data + at, PEND_ENTRY);
	}
	if (kept.len != row.len)
		status = pending_put(t, pending->numbers[i], &kept, e);
	buf_free(&kept);
	return status;
}

/* Many postings go into the blocks at once, past the pending rows, which must not come after them. */
static enum status store_at_once(struct txn *t, const struct postings *p, struct error *e)
{
	struct pending *pending;
	enum status status = pending_read(t, &pending, e);

	for (size_t i = 0; status == STATUS_OK && i < pending->n; i++)
		status = pending_forget(t, pending, i, p, e);
	if (status == STATUS_OK)
		status = merge_postings(t, p, e);
	pending_free(&pending);
	return status;
}

static enum status put_off(struct txn *t, const struct postings *p, struct error *e)
{
	struct buf row = BUF_INIT;
	uint64_t number;
	enum status status = pending_number(t, &number, e);

	for (size_t i = 0; i < p->n; i++)
		entry_encode(&p->items[i], &row);
	if (status == STATUS_OK)
		status = pending_put(t, number, &row, e);
	buf_free(&row);
	return status;
}

enum status search_store_postings(struct txn *t, struct postings *p, struct error *e)
{
	enum status status;

	if (p->n == 0)
		return STATUS_OK;
	status = postings_sort(p, e);
	if (status != STATUS_OK)
		return status;
	return p->n <= PEND_MAX ? put_off(t, p, e) : store_at_once(t, p, e);
}

static enum status pending_collect(
	const struct pending *pending, struct postings *out, struct error *e)
{
	for (size_t i = 0; i < pending->n; i++)
		out->cap += pending->rows[i].len / PEND_ENTRY;
	out->items = malloc((out->cap + 1) * sizeof *out->items);
	if (out->items == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	for (size_t i = 0; i < pending->n; i++)
		for (size_t at = 0; at < pending->rows[i].len; at += PEND_ENTRY)
			out->items[out->n++] = entry_decode(pending->rows[i].data + at);
	return postings_sort(out, e);
}

enum status store_merge_terms(struct txn *t, bool *more, struct error *e)
{
	static const struct buf empty = BUF_INIT;
	struct pending *pending = NULL;
	struct postings all = { 0 };
	enum status status = pending_read_some(t, MERGE_MAX - PEND_MAX, &pending, more, e);

	if (status == STATUS_OK)
		status = pending_collect(pending, &all, e);
	if (status == STATUS_OK)
		status = merge_postings(t, &all, e);
	for (size_t i = 0; status == STATUS_OK && i < pending->n; i++)
		status = pending_put(t, pending->numbers[i], &empty, e);
	free(all.items);
	pending_free(&pending);
	return status;
}

size_t store_pending_terms(struct store *s)
{
	struct txn *t = NULL;
	struct walk *w = NULL;
	struct bytes key;
	size_t n = 0;

	if (txn_begin(s, false, &t, NULL) != STATUS_OK)
		return 0;
	if (walk_open(t, SPACE_PEND, bytes_str(""), &w, NULL) == STATUS_OK)
		while (walk_next(w, &key))
			n++;
	walk_close(&w);
	txn_abort(&t);
	return n;
}

/* ---- Lists ---- */

struct pending_id {
	uint64_t id;
	bool remove;
};

struct posting_list {
	struct walk *walk;
	uint8_t prefix[TERM_PREFIX];
	struct buf value;
	uint64_t high;              /* of the block at hand */
	uint64_t sought;            /* no other block from high + 1 up to this one */
	bool loaded;                /* otherwise there is no block up to sought */
	bool known;                 /* something was sought */
	struct pending_id *pending; /* descending */
	size_t npending;
	uint16_t *ids;
	size_t n;
};

static enum status list_pending(struct posting_list *l, const struct pending *p, struct error *e)
{
	struct bytes prefix = { l->prefix, TERM_PREFIX };
	struct postings all = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		struct bytes row = buf_bytes(&p->rows[i]);

		for (size_t k = row_find(row, prefix) * PEND_ENTRY;
			k < row.len && memcmp(row.data + k, l->prefix, TERM_PREFIX) == 0;
			k += PEND_ENTRY) {
			if (all.n == all.cap) {
				all.cap = 2 * all.cap + 16;
				all.items = realloc(all.items, all.cap * sizeof *all.items);
				if (all.items == NULL)
					abort();
			}
			all.items[all.n++] = entry_decode(row.data + k);
		}
	}
	if (all.n == 0 || postings_sort(&all, e) != STATUS_OK) {
		free(all.items);
		return all.n == 0 ? STATUS_OK : STATUS_INTERNAL;
	}
	l->pending = calloc(all.n, sizeof *l->pending);
	if (l->pending == NULL)
		abort();
	for (size_t i = 0; i < all.n; i++)
		l->pending[l->npending++] =
			(struct pending_id){ all.items[i].id, all.items[i].remove };
	free(all.items);
	return STATUS_OK;
}

enum status posting_list_open(struct txn *t, const struct pending *p, uint16_t entity,
	const uint8_t term[SEARCH_TERM], struct posting_list **out, struct error *e)
{
	struct posting_list *l = calloc(1, sizeof *l);
	enum status status;

	if (l == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	put_be16(l->prefix, entity);
	memcpy(l->prefix + 2, term, SEARCH_TERM);
	status = walk_open(t, SPACE_TERM, bytes_of(l->prefix, TERM_PREFIX), &l->walk, e);
	if (status == STATUS_OK)
		status = list_pending(l, p, e);
	if (status != STATUS_OK)
		posting_list_free(&l);
	*out = l;
	return status;
}

void posting_list_free(struct posting_list **l)
{
	if (l == NULL || *l == NULL)
		return;
	walk_close(&(*l)->walk);
	buf_free(&(*l)->value);
	free((*l)->pending);
	free((*l)->ids);
	free(*l);
	*l = NULL;
}

static enum status list_decode(struct posting_list *l, struct error *e)
{
	enum status status = walk_value(l->walk, &l->value, e);

	if (status != STATUS_OK)
		return status;
	free(l->ids);
	l->ids = malloc((l->value.len + 1) * sizeof *l->ids);
	if (l->ids == NULL)
		abort();
	if (!ids_decode(buf_bytes(&l->value), l->ids, &l->n))
		return error_reason(
			e, STATUS_INTERNAL, "damaged", "block of a search term is damaged");
	return STATUS_OK;
}

/* The block of high, or the first below it. */
static enum status list_load(struct posting_list *l, uint64_t high, struct error *e)
{
	uint8_t key[TERM_KEY];
	struct bytes found;

	if (l->known && high <= l->sought && (!l->loaded || high >= l->high))
		return STATUS_OK;
	term_key_put(key, l->prefix, high);
	walk_seek(l->walk, bytes_of(key, TERM_KEY));
	l->known = true;
	l->sought = high;
	l->loaded = walk_next(l->walk, &found) && found.len == TERM_KEY;
	if (!l->loaded)
		return STATUS_OK;
	l->high = ~get_be32(found.data + TERM_PREFIX) & UINT32_MAX;
	return list_decode(l, e);
}

/* Index of the greatest of the ids at hand not above low; n if there is none. */
static size_t ids_find(const struct posting_list *l, uint32_t limit)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->ids[middle] > limit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum status list_stored(struct posting_list *l, uint64_t max, uint64_t *id, struct error *e)
{
	uint64_t high = max >> BLOCK_BITS > UINT32_MAX ? UINT32_MAX : max >> BLOCK_BITS;

	*id = 0;
	for (;;) {
		enum status status = list_load(l, high, e);
		size_t at;

		if (status != STATUS_OK || !l->loaded)
			return status;
		at = ids_find(l, l->high < max >> BLOCK_BITS ? BLOCK_IDS - 1
							     : (uint32_t)(max & (BLOCK_IDS - 1)));
		if (at < l->n) {
			*id = l->high << BLOCK_BITS | l->ids[at];
			return STATUS_OK;
		}
		if (l->high == 0)
			return STATUS_OK;
		high = l->high - 1;
	}
}

/* Index of the greatest pending id not above max. */
static size_t pending_find(const struct posting_list *l, uint64_t max)
{
	size_t low = 0, high = l->npending;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->pending[middle].id > max)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum status posting_list_seek(struct posting_list *l, uint64_t max, uint64_t *id, struct error *e)
{
	size_t i = pending_find(l, max);
	enum status status = list_stored(l, max, id, e);

	while (status == STATUS_OK) {
		size_t k = *id > 0 ? pending_find(l, *id) : l->npending;

		for (; i < l->npending && l->pending[i].id > *id; i++)
			if (!l->pending[i].remove) {
				*id = l->pending[i].id;
				return STATUS_OK;
			}
		if (k == l->npending || l->pending[k].id != *id || !l->pending[k].remove)
			return STATUS_OK;
		status = *id > 1 ? list_stored(l, *id - 1, id, e) : (*id = 0, STATUS_OK);
	}
	return status;
}

/* ---- All that counts, for a check ---- */

struct each_state {
	struct postings pending; /* sorted; one word on every place */
	size_t at;
	posting_fn *fn;
	void *arg;
};

static void each_pending(struct each_state *s)
{
	const struct posting *p = &s->pending.items[s->at++];

	if (!p->remove)
		s->fn(s->arg, p);
}

static void each_stored(struct each_state *s, const struct posting *stored)
{
	int order = 1;

	while (s->at < s->pending.n &&
		(order = compare_places(&s->pending.items[s->at], stored)) < 0)
		each_pending(s);
	if (s->at < s->pending.n && order == 0)
		each_pending(s);
	else
		s->fn(s->arg, stored);
}

static void each_of_block(struct each_state *s, struct bytes key, const struct block *b)
{
	uint64_t high = (uint32_t)~get_be32(key.data + TERM_PREFIX);
	struct posting p = { .entity = get_be16(key.data) };

	memcpy(p.term, key.data + 2, SEARCH_TERM);
	for (size_t i = 0; i < b->n; i++) {
		p.id = high << BLOCK_BITS | b->ids[i];
		each_stored(s, &p);
	}
}

static enum status each_block(struct txn *t, struct each_state *s, struct error *e)
{
	struct block *b = malloc(sizeof *b);
	struct buf value = BUF_INIT;
	struct walk *w = NULL;
	struct bytes key;
	enum status status = b ? walk_open(t, SPACE_TERM, bytes_str(""), &w, e)
			       : error_set(e, STATUS_INTERNAL, "out of memory");

	while (status == STATUS_OK && walk_next(w, &key))
		if (key.len == TERM_KEY && walk_value(w, &value, NULL) == STATUS_OK &&
			block_decode(buf_bytes(&value), b))
			each_of_block(s, key, b);
	walk_close(&w);
	buf_free(&value);
	free(b);
	return status;
}

enum status postings_each(struct txn *t, posting_fn *fn, void *arg, struct error *e)
{
	struct each_state s = { .fn = fn, .arg = arg };
	struct pending *pending = NULL;
	enum status status = pending_read(t, &pending, e);

	if (status == STATUS_OK)
		status = pending_collect(pending, &s.pending, e);
	if (status == STATUS_OK)
		status = each_block(t, &s, e);
	while (status == STATUS_OK && s.at < s.pending.n)
		each_pending(&s);
	free(s.pending.items);
	pending_free(&pending);
	return status;
}
