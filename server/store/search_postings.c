/*
 * Where postings are kept for good.
 *
 *   term   entity u16 | term[16] | ~(id >> 14) u32   -> ids of the block, descending: varints of the distance to the one before (first: to 16384)
 *
 * A search reads the blocks and the pending rows (search_pending.c); the newest word on a posting counts.
 */
#include "server/store/search.h"

#define BLOCK_BITS 14
#define BLOCK_IDS (1u << BLOCK_BITS)
#define TERM_KEY (TERM_PREFIX + 4)

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
enum status postings_merge(struct txn *t, const struct postings *p, struct error *e)
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

/* ---- Lists ---- */

/* What is pending of one term. */
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

static enum status list_pending(struct posting_list *l, struct pending *p, struct error *e)
{
	struct postings all = { 0 };
	enum status status = pending_of_term(p, l->prefix, &all, e);

	if (status == STATUS_OK && all.n > 0)
		l->pending = items_new(all.n, sizeof *l->pending);
	for (size_t i = 0; status == STATUS_OK && i < all.n; i++)
		l->pending[l->npending++] =
			(struct pending_id){ all.items[i].id, all.items[i].remove };
	free(all.items);
	return status;
}

enum status posting_list_open(struct txn *t, struct pending *p, uint16_t entity,
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
	l->ids = items_new(l->value.len + 1, sizeof *l->ids);
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
		(order = postings_compare(&s->pending.items[s->at], stored)) < 0)
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
	enum status status = pending_all(t, &s.pending, e);

	if (status == STATUS_OK)
		status = each_block(t, &s, e);
	while (status == STATUS_OK && s.at < s.pending.n)
		each_pending(&s);
	free(s.pending.items);
	return status;
}
