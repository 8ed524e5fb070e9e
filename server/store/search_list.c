/* Reading the postings of one term, chunk by chunk from the highest ids down: rows and what is pending taken together. */
#include "server/store/search.h"

#define TERM_KEY (PLACE_BYTES + 8)

/* What is pending of one term. */
struct pending_id {
	uint64_t id;
	bool remove;
};

struct posting_list {
	struct walk *walk;
	uint64_t place;
	struct pending_id *pending; /* descending */
	size_t npending, at;        /* at: those before it have been dealt with */
	struct buf value;           /* of the row at hand */
	struct posting_row row;
	struct posting_ids ids;
	uint64_t id; /* the next stored one; 0: none */
	bool begun;
	size_t rows;
};

static enum status damaged(struct error *e)
{
	return error_reason(
		e, STATUS_INTERNAL, "damaged", "row of postings of search terms is damaged");
}

static enum status list_pending(struct posting_list *l, struct pending *p, struct error *e)
{
	struct postings all = { 0 };
	enum status status = pending_of_term(p, l->place, &all, e);

	if (status == STATUS_OK && all.n > 0)
		l->pending = items_new(all.n, sizeof *l->pending);
	for (size_t i = 0; status == STATUS_OK && i < all.n; i++)
		l->pending[l->npending++] =
			(struct pending_id){ all.items[i].id, all.items[i].remove };
	free(all.items);
	return status;
}

enum status posting_list_open(struct txn *t, struct pending *p, uint16_t entity, uint32_t term,
	struct posting_list **out, struct error *e)
{
	struct posting_list *l = calloc(1, sizeof *l);
	enum status status;

	if (l == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	l->place = (uint64_t)entity << 32 | term;
	status = walk_open(t, SPACE_TERM, bytes_str(""), &l->walk, e);
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
	free(*l);
	*l = NULL;
}

size_t posting_list_rows(const struct posting_list *l)
{
	return l->rows;
}

/* ---- Stored ids ---- */

/* The next id of the row at hand; 0 at its end. */
static enum status row_step(struct posting_list *l, struct error *e)
{
	l->id = posting_ids_next(&l->ids) ? l->ids.id : 0;
	return l->ids.damaged ? damaged(e) : STATUS_OK;
}

/* The term's first id in the row that the walk is on; 0 if it has none. */
static enum status row_load(struct posting_list *l, struct bytes key, struct error *e)
{
	enum status status = walk_value(l->walk, &l->value, e);
	bool more;

	l->id = 0;
	l->rows++;
	if (status != STATUS_OK)
		return status;
	posting_row_open(&l->row, buf_bytes(&l->value), place_get(key.data));
	while ((more = posting_row_next(&l->row)) && l->row.place < l->place)
		;
	if (l->row.damaged)
		return damaged(e);
	if (!more || l->row.place != l->place)
		return STATUS_OK;
	posting_ids_open(&l->ids, l->row.ids);
	return row_step(l, e);
}

/* The next row, if it begins with the term. */
static enum status row_next(struct posting_list *l, struct error *e)
{
	struct bytes key;

	l->id = 0;
	if (!walk_next(l->walk, &key) || key.len != TERM_KEY || place_get(key.data) != l->place)
		return STATUS_OK;
	return row_load(l, key, e);
}

static enum status stored_next(struct posting_list *l, struct error *e)
{
	enum status status = row_step(l, e);

	return status == STATUS_OK && l->id == 0 ? row_next(l, e) : status;
}

/* Goes on in the row at hand down to max; id is 0 at its end. */
static enum status row_skip(struct posting_list *l, uint64_t max, struct error *e)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK && l->id > max) {
		uint64_t over = l->id - max, some = over < l->ids.run ? over : l->ids.run;

		l->ids.run -= some;
		l->ids.id -= some;
		l->id -= some;
		if (l->id > max)
			status = row_step(l, e);
	}
	return status;
}

/* The row in which max would be, or the term's next one. */
static enum status stored_seek(struct posting_list *l, uint64_t max, struct error *e)
{
	uint8_t at[TERM_KEY + 1] = { 0 };
	struct bytes key;
	enum status status = STATUS_OK;

	place_put(at, l->place);
	put_be64(at + PLACE_BYTES, ~max);
	walk_seek_back(l->walk, bytes_of(at, sizeof at)); /* a byte longer: the key itself counts */
	l->id = 0;
	if (walk_prev(l->walk, &key) && key.len == TERM_KEY)
		status = row_load(l, key, e);
	else
		walk_seek(l->walk, bytes_of(at, TERM_KEY));
	if (status == STATUS_OK)
		status = row_skip(l, max, e);
	return status == STATUS_OK && l->id == 0 ? row_next(l, e) : status;
}

/* Makes id the greatest not above max. */
static enum status stored_to(struct posting_list *l, uint64_t max, struct error *e)
{
	enum status status;

	if (!l->begun) {
		l->begun = true;
		return stored_seek(l, max, e);
	}
	if (l->id <= max)
		return STATUS_OK;
	status = row_skip(l, max, e);
	return status == STATUS_OK && l->id == 0 ? stored_seek(l, max, e) : status;
}

/* ---- Together ---- */

static void pending_to(struct posting_list *l, uint64_t max)
{
	while (l->at < l->npending && l->pending[l->at].id > max)
		l->at++;
}

enum status posting_list_bound(
	struct posting_list *l, uint64_t max, uint64_t *bound, struct error *e)
{
	enum status status = stored_to(l, max, e);
	size_t i;

	pending_to(l, max);
	for (i = l->at; i < l->npending && l->pending[i].id > l->id; i++)
		if (!l->pending[i].remove)
			break;
	*bound = i < l->npending && l->pending[i].id > l->id ? l->pending[i].id : l->id;
	return status;
}

static void set_bits(struct chunk *c, uint32_t low, uint32_t high)
{
	for (; low <= high && low % 64 != 0; low++)
		c->words[low / 64] |= UINT64_C(1) << low % 64;
	for (; low + 63 <= high; low += 64)
		c->words[low / 64] = UINT64_MAX;
	for (; low <= high; low++)
		c->words[low / 64] |= UINT64_C(1) << low % 64;
}

static enum status chunk_stored(
	struct posting_list *l, uint64_t low, struct chunk *out, bool *any, struct error *e)
{
	enum status status = stored_to(l, low + (CHUNK_IDS - 1), e);

	while (status == STATUS_OK && l->id >= low && l->id > 0) {
		uint64_t left = l->id - low, some = l->ids.run < left ? l->ids.run : left;

		set_bits(out, (uint32_t)(left - some), (uint32_t)left);
		*any = true;
		l->ids.run -= some;
		l->ids.id -= some;
		status = stored_next(l, e);
	}
	return status;
}

enum status posting_list_chunk(
	struct posting_list *l, uint64_t number, struct chunk *out, bool *any, struct error *e)
{
	uint64_t low = number << CHUNK_BITS;
	enum status status;

	*any = false;
	memset(out, 0, sizeof *out);
	status = chunk_stored(l, low, out, any, e);
	pending_to(l, low + (CHUNK_IDS - 1));
	for (; l->at < l->npending && l->pending[l->at].id >= low; l->at++) {
		uint32_t i = (uint32_t)(l->pending[l->at].id - low);
		uint64_t bit = UINT64_C(1) << i % 64;

		*any = true;
		if (l->pending[l->at].remove)
			out->words[i / 64] &= ~bit;
		else
			out->words[i / 64] |= bit;
	}
	return status;
}
