/*
 * Postings that are not in the blocks yet: a commit writes them as rows of their own, and the writer merges the rows of many
 * commits at a time, because each merge reads and writes nearly every block that it has a posting for.
 *
 *   pend   number u64                              -> all postings of a small commit
 *   pend   0xff | part u8 | number u64 | entity u16 | term u32
 *                                                  -> of a large one some of those whose terms begin with the part's bits;
 *                                                     the key names the row's first group, so that a search reads one
 *                                                     small row a commit
 *
 * Rows are as those of term (search_rows.c), with postings that are taken away among them; all of a term are in one row. Numbers rise with the
 * commits: the newest word on a posting counts, and it counts more than the rows of term. So rows may be merged only when no older row speaks of
 * the same postings: small rows are split into parts before parts are merged, and of a part the oldest rows go first.
 */
#include "server/store/internal.h"
#include "server/store/search.h"

#define PART_BITS 7
#define PARTS (1u << PART_BITS)
#define PART_MARK 0xffu
#define SMALL_MAX 4096u /* postings of a commit that is small */
#define ROW_MAX 1800u   /* bytes of a row from which a part begins another one */
#define PART_KEY (10 + PLACE_BYTES)
#define PART_WEIGHT (32u * 1024)  /* bytes of rows of parts that count as a row */
#define MERGE_BYTES (768u * 1024) /* merged at a time, a row more at most */

struct row {
	struct buf key, data;
	uint64_t number;
};

struct rows {
	struct row *items; /* oldest first */
	size_t n, bytes;
	bool more;
};

struct pending {
	struct txn *txn;
	struct rows small; /* rows of parts are read when a term is asked for */
};

static unsigned part_of(uint32_t term)
{
	return term >> (32 - PART_BITS);
}

static size_t part_prefix(uint8_t key[2], unsigned part)
{
	key[0] = PART_MARK;
	key[1] = (uint8_t)part;
	return 2;
}

static bool row_sound(struct bytes value)
{
	struct posting_row row;
	struct posting_ids ids;

	posting_row_open(&row, value, 0);
	while (posting_row_next(&row)) {
		posting_ids_open(&ids, row.ids);
		while (posting_ids_next(&ids))
			;
		if (ids.damaged)
			return false;
	}
	return !row.damaged;
}

/* Postings of one place. */
static size_t group_end(const struct postings *p, size_t i)
{
	size_t k = i + 1;

	while (k < p->n && posting_place(&p->items[k]) == posting_place(&p->items[i]))
		k++;
	return k;
}

/* ---- Reading rows ---- */

static void rows_free(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		buf_free(&r->items[i].key);
		buf_free(&r->items[i].data);
	}
	free(r->items);
	*r = (struct rows){ 0 };
}

static bool key_read(struct bytes key, uint64_t *number)
{
	bool small = key.len == 8;

	if (!small && (key.len != PART_KEY || key.data[0] != PART_MARK || key.data[1] >= PARTS))
		return false;
	*number = get_be64(key.data + (small ? 0 : 2));
	return true;
}

static enum status rows_add(struct rows *r, struct walk *w, struct bytes key, struct error *e)
{
	struct row *items = realloc(r->items, (r->n + 1) * sizeof *items);
	struct row *row;
	enum status status;
	bool sound;

	if (items == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	r->items = items;
	row = &items[r->n++];
	*row = (struct row){ 0 };
	buf_add_bytes(&row->key, key);
	sound = key_read(key, &row->number);
	status = walk_value(w, &row->data, e);
	if (status == STATUS_OK && !(sound && row_sound(buf_bytes(&row->data))))
		status = error_reason(
			e, STATUS_INTERNAL, "damaged", "row of pending postings is damaged");
	r->bytes += row->data.len;
	return status;
}

/* Reads the rows with this prefix, oldest first, until they hold max bytes or more. */
static enum status rows_read(
	struct txn *t, struct bytes prefix, size_t max, struct rows *r, struct error *e)
{
	struct walk *w = NULL;
	struct bytes key;
	enum status status = walk_open(t, SPACE_PEND, prefix, &w, e);

	while (status == STATUS_OK && walk_next(w, &key)) {
		if (prefix.len == 0 && key.data[0] == PART_MARK)
			break;
		r->more = r->bytes >= max;
		if (r->more)
			break;
		status = rows_add(r, w, key, e);
	}
	walk_close(&w);
	return status;
}

static enum status part_read(
	struct txn *t, unsigned part, size_t max, struct rows *r, struct error *e)
{
	uint8_t prefix[2];

	return rows_read(t, bytes_of(prefix, part_prefix(prefix, part)), max, r, e);
}

void pending_free(struct pending **p)
{
	if (p == NULL || *p == NULL)
		return;
	rows_free(&(*p)->small);
	free(*p);
	*p = NULL;
}

enum status pending_read(struct txn *t, struct pending **out, struct error *e)
{
	struct pending *p = calloc(1, sizeof *p);
	enum status status;

	if (p == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	p->txn = t;
	status = rows_read(t, bytes_str(""), SIZE_MAX, &p->small, e);
	if (status != STATUS_OK)
		pending_free(&p);
	*out = p;
	return status;
}

/* ---- Postings of rows ---- */

#define ALL_PLACES UINT64_MAX

/* The postings of one term or of all. */
static void row_collect(const struct row *from, uint64_t place, struct postings *out)
{
	struct posting_row row;
	struct posting_ids ids;

	if (place == ALL_PLACES) {
		posting_row_decode(buf_bytes(&from->data), 0, out);
		return;
	}
	posting_row_open(&row, buf_bytes(&from->data), 0);
	while (posting_row_next(&row) && row.place <= place) {
		posting_ids_open(&ids, row.ids);
		while (row.place == place && posting_ids_next(&ids)) {
			out->items = items_grow(out->items, out->n, &out->cap, sizeof *out->items);
			out->items[out->n++] = (struct posting){ .id = ids.id,
				.term = (uint32_t)place,
				.entity = (uint16_t)(place >> 32),
				.remove = row.removed };
		}
	}
}

/* The postings of both lists, oldest first, of one term or of all. */
static void rows_collect(
	const struct rows *a, const struct rows *b, uint64_t place, struct postings *out)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		if (k == b->n || (i < a->n && a->items[i].number < b->items[k].number))
			row_collect(&a->items[i++], place, out);
		else
			row_collect(&b->items[k++], place, out);
	}
}

/* The postings of one term, newest row first. */
static void rows_collect_back(
	const struct rows *a, const struct rows *b, uint64_t place, struct postings *out)
{
	size_t i = a->n, k = b->n;

	while (i > 0 || k > 0) {
		if (k == 0 || (i > 0 && a->items[i - 1].number > b->items[k - 1].number))
			row_collect(&a->items[--i], place, out);
		else
			row_collect(&b->items[--k], place, out);
	}
}

static bool is_descending(const struct postings *p)
{
	for (size_t i = 1; i < p->n; i++)
		if (p->items[i - 1].id <= p->items[i].id)
			return false;
	return true;
}

/*
 * New records have the highest ids: after an import the rows, newest first, are in order as they stand, and sorting the tens of
 * thousands of postings of a frequent word would be most of a search.
 */
static enum status term_collect(const struct rows *small, const struct rows *parts, uint64_t place,
	struct postings *out, struct error *e)
{
	rows_collect_back(small, parts, place, out);
	if (is_descending(out))
		return STATUS_OK;
	out->n = 0;
	rows_collect(small, parts, place, out);
	return postings_sort(out, e);
}

/* Of each commit the row that begins with the term or last before it: no other can hold it. Oldest first. */
static enum status rows_of_term(struct txn *t, uint64_t place, struct rows *out, struct error *e)
{
	uint8_t at[PART_KEY + 1] = { 0 };
	size_t head = part_prefix(at, part_of((uint32_t)place));
	struct walk *w = NULL;
	struct bytes key;
	uint64_t number, of = 0;
	enum status status = walk_open(t, SPACE_PEND, bytes_of(at, head), &w, e);

	while (status == STATUS_OK && walk_next(w, &key)) {
		if (!key_read(key, &number))
			status = error_reason(e, STATUS_INTERNAL, "damaged",
				"key of pending postings is damaged");
		put_be64(at + head, number);
		place_put(at + head + 8, place);
		walk_seek_back(
			w, bytes_of(at, sizeof at)); /* a byte longer: the key itself counts */
		if (status == STATUS_OK && walk_prev(w, &key) && key_read(key, &of) && of == number)
			status = rows_add(out, w, key, e);
		put_be64(at + head, number + 1);
		walk_seek(w, bytes_of(at, head + 8));
	}
	walk_close(&w);
	return status;
}

enum status pending_of_term(
	struct pending *p, uint64_t place, struct postings *out, struct error *e)
{
	struct rows rows = { 0 };
	enum status status = rows_of_term(p->txn, place, &rows, e);

	if (status == STATUS_OK)
		status = term_collect(&p->small, &rows, place, out, e);
	rows_free(&rows);
	return status;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

enum status pending_all(struct txn *t, struct postings *out, struct error *e)
{
	struct rows all = { 0 };
	enum status status = rows_read(t, bytes_str(""), SIZE_MAX, &all, e);

	for (unsigned part = 0; status == STATUS_OK && part < PARTS; part++)
		status = part_read(t, part, SIZE_MAX, &all, e);
	if (all.n > 0)
		qsort(all.items, all.n, sizeof *all.items, compare_numbers);
	for (size_t i = 0; status == STATUS_OK && i < all.n; i++)
		row_collect(&all.items[i], ALL_PLACES, out);
	rows_free(&all);
	return status == STATUS_OK ? postings_sort(out, e) : status;
}

/* ---- Writing rows ---- */

/* Counts a row that comes (sign 1) or goes (-1). */
static void row_count(struct txn *t, struct bytes key, size_t len, int sign)
{
	if (key.len == PART_KEY)
		t->pend_bytes += sign * (ptrdiff_t)len;
	else
		t->pend_rows += sign;
}

static enum status row_put(struct txn *t, struct bytes key, const struct buf *data, struct error *e)
{
	row_count(t, key, data->len, 1);
	return txn_put(t, SPACE_PEND, key, buf_bytes(data), e);
}

static enum status rows_delete(struct txn *t, const struct rows *r, struct error *e)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < r->n; i++) {
		row_count(t, buf_bytes(&r->items[i].key), r->items[i].data.len, -1);
		status = txn_del(t, SPACE_PEND, buf_bytes(&r->items[i].key), e);
	}
	return status;
}

/* A row that is being filled. */
struct filling {
	struct buf data;
	uint64_t first, last; /* places */
};

static void filling_add(struct filling *f, const struct posting *items, size_t n)
{
	uint64_t place = posting_place(items);

	if (f->data.len == 0)
		f->first = place;
	posting_row_encode(items, n, f->data.len == 0 ? 0 : f->last, SIZE_MAX, &f->data);
	f->last = place;
}

static enum status part_put(
	struct txn *t, unsigned part, uint64_t number, struct filling *f, struct error *e)
{
	uint8_t key[PART_KEY];
	size_t head = part_prefix(key, part);
	enum status status;

	put_be64(key + head, number);
	place_put(key + head + 8, f->first);
	status = row_put(t, bytes_of(key, sizeof key), &f->data, e);
	buf_clear(&f->data);
	return status;
}

/* Sorted postings as rows of parts. */
static enum status parts_put(
	struct txn *t, uint64_t number, const struct postings *p, struct error *e)
{
	struct filling parts[PARTS] = { 0 };
	enum status status = STATUS_OK;

	for (size_t i = 0, k; status == STATUS_OK && i < p->n; i = k) {
		unsigned part = part_of(p->items[i].term);

		k = group_end(p, i);
		filling_add(&parts[part], &p->items[i], k - i);
		if (parts[part].data.len >= ROW_MAX)
			status = part_put(t, part, number, &parts[part], e);
	}
	for (unsigned part = 0; part < PARTS; part++) {
		if (status == STATUS_OK && parts[part].data.len > 0)
			status = part_put(t, part, number, &parts[part], e);
		buf_free(&parts[part].data);
	}
	return status;
}

static enum status small_put(
	struct txn *t, uint64_t number, const struct postings *p, struct error *e)
{
	struct buf row = BUF_INIT;
	uint8_t key[8];
	enum status status;

	put_be64(key, number);
	posting_row_encode(p->items, p->n, 0, SIZE_MAX, &row);
	status = row_put(t, bytes_of(key, sizeof key), &row, e);
	buf_free(&row);
	return status;
}

enum status search_store_postings(struct txn *t, struct postings *p, struct error *e)
{
	uint64_t number = t->store->pend_next;
	enum status status;

	if (p->n == 0)
		return STATUS_OK;
	status = postings_sort(p, e);
	if (status != STATUS_OK)
		return status;
	t->pend_used = true;
	return p->n <= SMALL_MAX ? small_put(t, number, p, e) : parts_put(t, number, p, e);
}

/* ---- Merging ---- */

static enum status rows_merge(struct txn *t, const struct rows *r, struct error *e)
{
	struct rows none = { 0 };
	struct postings all = { 0 };
	enum status status;

	rows_collect(r, &none, ALL_PLACES, &all);
	status = postings_sort(&all, e);
	if (status == STATUS_OK)
		status = postings_merge(t, &all, e);
	free(all.items);
	return status == STATUS_OK ? rows_delete(t, r, e) : status;
}

/* Small rows become rows of parts, each under its own number. */
static enum status rows_split(struct txn *t, const struct rows *r, struct error *e)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < r->n; i++) {
		struct postings p = { 0 };

		row_collect(&r->items[i], ALL_PLACES, &p);
		status = parts_put(t, r->items[i].number, &p, e);
		free(p.items);
	}
	return status == STATUS_OK ? rows_delete(t, r, e) : status;
}

/* The part with the oldest row; PARTS when there are no rows of parts. */
static enum status oldest_part(struct txn *t, unsigned *out, struct error *e)
{
	struct walk *w = NULL;
	struct bytes key;
	uint8_t prefix[2] = { PART_MARK };
	uint64_t number, oldest = UINT64_MAX;
	enum status status = walk_open(t, SPACE_PEND, bytes_of(prefix, 1), &w, e);

	*out = PARTS;
	for (unsigned part = 0; status == STATUS_OK && part < PARTS; part++) {
		walk_seek(w, bytes_of(prefix, part_prefix(prefix, part)));
		if (!walk_next(w, &key))
			break;
		if (key_read(key, &number) && key.data[1] == part && number < oldest) {
			oldest = number;
			*out = part;
		}
	}
	walk_close(&w);
	return status;
}

enum status store_merge_terms(struct txn *t, bool *more, struct error *e)
{
	struct rows rows = { 0 };
	unsigned part;
	enum status status = oldest_part(t, &part, e);

	if (status == STATUS_OK)
		status = rows_read(t, bytes_str(""), MERGE_BYTES / 4, &rows, e);
	if (status == STATUS_OK && rows.n > 0) {
		*more = rows.more || part < PARTS;
		status = part < PARTS ? rows_split(t, &rows, e) : rows_merge(t, &rows, e);
	} else if (status == STATUS_OK && part < PARTS) {
		status = part_read(t, part, MERGE_BYTES, &rows, e);
		if (status == STATUS_OK)
			status = rows_merge(t, &rows, e);
		if (status == STATUS_OK)
			status = oldest_part(t, &part, e);
		*more = part < PARTS;
	} else {
		*more = false;
	}
	rows_free(&rows);
	return status;
}

size_t store_pending_terms(struct store *s)
{
	return atomic_load(&s->pend_rows) +
	       (atomic_load(&s->pend_bytes) + PART_WEIGHT - 1) / PART_WEIGHT;
}

/* ---- What is known of the rows without reading them ---- */

enum status pending_count(struct txn *t, struct error *e)
{
	struct store *s = t->store;
	struct walk *w = NULL;
	struct bytes key;
	struct buf value = BUF_INIT;
	uint64_t number;
	enum status status = walk_open(t, SPACE_PEND, bytes_str(""), &w, e);

	s->pend_next = 1;
	t->pend_rows = t->pend_bytes = 0;
	while (status == STATUS_OK && walk_next(w, &key)) {
		if (key_read(key, &number) && number >= s->pend_next)
			s->pend_next = number + 1;
		if (walk_value(w, &value, NULL) == STATUS_OK)
			row_count(t, key, value.len, 1);
	}
	walk_close(&w);
	buf_free(&value);
	atomic_store(&s->pend_rows, (size_t)t->pend_rows);
	atomic_store(&s->pend_bytes, (size_t)t->pend_bytes);
	t->pend_rows = t->pend_bytes = 0;
	return status;
}

void pending_committed(struct store *s, bool used, ptrdiff_t rows, ptrdiff_t bytes)
{
	s->pend_next += used;
	atomic_fetch_add(&s->pend_rows, (size_t)rows);
	atomic_fetch_add(&s->pend_bytes, (size_t)bytes);
}
