/*
 * Where postings are kept for good.
 *
 *   term   entity u16 | term u32 | ~id u64   -> a row (search_rows.c) of postings, the first of which the key names
 *
 * All postings stand one behind the other in order of entity, term and descending id, cut into rows of about a page: as a rare term has no row
 * of its own, keys and seals cost a percent. A search reads the rows and what is pending (search_pending.c).
 *
 * Merging goes through the rows in order, and writes what it has read and what is new as rows that are full again.
 */
#include "server/store/search.h"

#define TERM_KEY (PLACE_BYTES + 8)
#define ROW_MAX 4032u       /* a page of the engine, without what it and the seal need */
#define ROW_SMALL 1024u     /* a row that has become smaller takes in the next one */
#define ROW_POSTINGS 16384u /* however few bytes they need */

static void term_key_put(uint8_t key[TERM_KEY], uint64_t place, uint64_t id)
{
	place_put(key, place);
	put_be64(key + PLACE_BYTES, ~id);
}

static enum status damaged(struct error *e)
{
	return error_reason(
		e, STATUS_INTERNAL, "damaged", "row of postings of search terms is damaged");
}

struct merge {
	struct txn *txn;
	struct walk *walk;
	uint8_t key[TERM_KEY],
		after[TERM_KEY]; /* of the row that comes next, and of the one after it */
	bool more, more_after;   /* there are such rows */
	struct postings row;     /* that was read */
	struct postings out;     /* to be written */
	size_t written;          /* of them */
	size_t bytes;            /* that out needs, or so */
	struct buf value;
};

static enum status merge_key(bool more, struct bytes key, uint8_t out[TERM_KEY], struct error *e)
{
	if (more && key.len != TERM_KEY)
		return damaged(e);
	if (more)
		memcpy(out, key.data, TERM_KEY);
	return STATUS_OK;
}

/* Makes the row that has the place of p the next one; the first one when that is after it. */
static enum status merge_seek(struct merge *m, const struct posting *p, struct error *e)
{
	uint8_t at[TERM_KEY + 1] = { 0 };
	struct bytes key = { 0 };
	enum status status;

	term_key_put(at, posting_place(p), p->id);
	walk_seek_back(m->walk, bytes_of(at, sizeof at)); /* a byte longer: the key itself counts */
	m->more = walk_prev(m->walk, &key);
	if (!m->more) {
		walk_seek(m->walk, bytes_str(""));
		m->more = walk_next(m->walk, &key);
	}
	status = merge_key(m->more, key, m->key, e);
	m->more_after = m->more && walk_next(m->walk, &key);
	return status == STATUS_OK ? merge_key(m->more_after, key, m->after, e) : status;
}

/* Reads the next row and takes it out of the store. */
static enum status merge_read(struct merge *m, struct error *e)
{
	uint8_t read[TERM_KEY];
	struct bytes key = { 0 };
	enum status status = txn_get(m->txn, SPACE_TERM, bytes_of(m->key, TERM_KEY), &m->value, e);

	if (status != STATUS_OK)
		return status;
	if (!posting_row_decode(buf_bytes(&m->value), place_get(m->key), &m->row))
		return damaged(e);
	m->bytes += m->value.len;
	memcpy(read, m->key, TERM_KEY);
	memcpy(m->key, m->after, TERM_KEY);
	m->more = m->more_after;
	m->more_after = m->more && walk_next(m->walk, &key);
	status = merge_key(m->more_after, key, m->after, e);
	return status == STATUS_OK ? txn_del(m->txn, SPACE_TERM, bytes_of(read, TERM_KEY), e)
				   : status;
}

/* Whether p belongs before the row of a key. */
static bool is_before(const struct posting *p, const uint8_t key[TERM_KEY])
{
	uint64_t place = place_get(key);

	return posting_place(p) < place ||
	       (posting_place(p) == place && p->id > ~get_be64(key + PLACE_BYTES));
}

static void merge_keep(struct merge *m, const struct posting *p)
{
	m->out.items = items_grow(m->out.items, m->out.n, &m->out.cap, sizeof *m->out.items);
	m->out.items[m->out.n++] = *p;
}

/* What was read and the new postings up to the next row, in one order. Returns how many of the new ones. */
static size_t merge_join(struct merge *m, const struct posting *items, size_t n)
{
	size_t i = 0, k = 0, take = 0;

	while (take < n && (!m->more || is_before(&items[take], m->key)))
		take++;
	while (i < m->row.n || k < take) {
		int order = i == m->row.n ? 1
			    : k == take   ? -1
					  : postings_compare(&m->row.items[i], &items[k]);

		if (order < 0)
			merge_keep(m, &m->row.items[i]);
		else if (!items[k].remove)
			merge_keep(m, &items[k]);
		i += order <= 0;
		k += order >= 0;
	}
	m->row.n = 0;
	m->bytes += 3 * take;
	return take;
}

/* Writes one row of what is not written yet. */
static enum status merge_write(struct merge *m, size_t max, struct error *e)
{
	const struct posting *first = &m->out.items[m->written];
	size_t n = m->out.n - m->written;
	uint8_t key[TERM_KEY];

	buf_clear(&m->value);
	m->written += posting_row_encode(
		first, n < ROW_POSTINGS ? n : ROW_POSTINGS, posting_place(first), max, &m->value);
	m->bytes -= m->bytes < m->value.len ? m->bytes : m->value.len;
	term_key_put(key, posting_place(first), first->id);
	return txn_put(m->txn, SPACE_TERM, bytes_of(key, TERM_KEY), buf_bytes(&m->value), e);
}

/* Full rows, as long as more than two of them are left. */
static enum status merge_write_full(struct merge *m, struct error *e)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK && m->out.n > m->written &&
		(m->bytes > 3 * ROW_MAX || m->out.n - m->written > 3 * ROW_POSTINGS))
		status = merge_write(m, ROW_MAX, e);
	if (m->written > 0)
		memmove(m->out.items, m->out.items + m->written,
			(m->out.n - m->written) * sizeof *m->out.items);
	m->out.n -= m->written;
	m->written = 0;
	return status;
}

/* How many of the postings go into one row, and its size. */
static size_t merge_measure(struct merge *m, size_t from, size_t *bytes)
{
	const struct posting *first = &m->out.items[from];
	size_t n = m->out.n - from;

	*bytes = 0;
	if (n == 0)
		return 0;
	buf_clear(&m->value);
	n = posting_row_encode(first, n < ROW_POSTINGS ? n : ROW_POSTINGS, posting_place(first),
		ROW_MAX, &m->value);
	*bytes = m->value.len;
	return n;
}

/* Writes what is left, the last two rows of about the same size: neither is full before long, nor is one a scrap. */
static enum status merge_write_rest(struct merge *m, struct error *e)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK && m->out.n > m->written) {
		size_t first, second;
		size_t n = m->written + merge_measure(m, m->written, &first);
		size_t end = n + merge_measure(m, n, &second);
		bool two = n < m->out.n && end == m->out.n;

		status = merge_write(m, two ? (first + second) / 2 + 64 : ROW_MAX, e);
	}
	m->out.n = m->written = m->bytes = 0;
	return status;
}

static bool is_scrap(struct merge *m)
{
	size_t bytes, n = merge_measure(m, 0, &bytes);

	return n == m->out.n && bytes < ROW_SMALL && n < ROW_POSTINGS / 4;
}

/* From the row that has the place of the first posting on, as long as the next row has one too. *n: how many were taken. */
static enum status merge_run(
	struct merge *m, const struct posting *items, size_t *n, struct error *e)
{
	size_t at = 0;
	enum status status = merge_seek(m, items, e);
	bool read = m->more && !is_before(items, m->key), scrap = false;

	for (bool more = true; status == STATUS_OK && more;) {
		if (read)
			status = merge_read(m, e);
		if (status == STATUS_OK)
			at += merge_join(m, items + at, *n - at);
		if (status == STATUS_OK)
			status = merge_write_full(m, e);
		read = true;
		more = m->more && at < *n && (!m->more_after || is_before(&items[at], m->after));
		if (!more && m->more && !scrap)
			more = scrap = is_scrap(m);
	}
	*n = at;
	return status == STATUS_OK ? merge_write_rest(m, e) : status;
}

enum status postings_merge(struct txn *t, const struct postings *p, struct error *e)
{
	struct merge m = { .txn = t };
	enum status status = walk_open(t, SPACE_TERM, bytes_str(""), &m.walk, e);

	for (size_t i = 0, n; status == STATUS_OK && i < p->n; i += n) {
		n = p->n - i;
		status = merge_run(&m, &p->items[i], &n, e);
	}
	walk_close(&m.walk);
	free(m.row.items);
	free(m.out.items);
	buf_free(&m.value);
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

static enum status each_row(struct txn *t, struct each_state *s, struct error *e)
{
	struct buf value = BUF_INIT;
	struct postings row = { 0 };
	struct walk *w = NULL;
	struct bytes key = { 0 };
	enum status status = walk_open(t, SPACE_TERM, bytes_str(""), &w, e);

	while (status == STATUS_OK && walk_next(w, &key)) {
		row.n = 0;
		if (key.len != TERM_KEY || walk_value(w, &value, NULL) != STATUS_OK ||
			!posting_row_decode(buf_bytes(&value), place_get(key.data), &row))
			continue;
		for (size_t i = 0; i < row.n; i++)
			each_stored(s, &row.items[i]);
	}
	walk_close(&w);
	buf_free(&value);
	free(row.items);
	return status;
}

enum status postings_each(struct txn *t, posting_fn *fn, void *arg, struct error *e)
{
	struct each_state s = { .fn = fn, .arg = arg };
	enum status status = pending_all(t, &s.pending, e);

	if (status == STATUS_OK)
		status = each_row(t, &s, e);
	while (status == STATUS_OK && s.at < s.pending.n)
		each_pending(&s);
	free(s.pending.items);
	return status;
}
