/*
 * Reading and checking the rows of an import beside the writer, in a read transaction that notes what it looks at. The writer takes the result
 * of a row over when nothing of that has changed until then, and else goes by the row itself: so all that is wrong is found, and said, there.
 */
#include "server/call/rights.h"
#include "server/op/import.h"
#include "server/op/op.h"

/* Marks in the arena, as nobody frees what was prepared. */
static bool reads_keep(struct arena *arena, const struct reads *from, struct reads *to)
{
	struct bytes marks = bytes_of(from->marks, from->n * sizeof(*from->marks));
	uint64_t *kept = arena_alloc(arena, marks.len + sizeof(*kept));

	if (!kept || from->unknown)
		return false;
	if (marks.len)
		memcpy(kept, marks.data, marks.len);
	*to = *from;
	to->marks = kept;
	to->cap = 0;
	return true;
}

static bool fields_keep(struct arena *arena, struct bytes from, struct bytes *to)
{
	*to = arena_copy(arena, from);
	return to->data != NULL;
}

/* What the cells say; the values, and not yet whether they may stand. */
static bool keep_read(struct import *im, const struct row *row, struct ready_row *out)
{
	struct arena *arena = im->t.call->arena;
	size_t n = row->patch.ncleared;
	uint32_t *cleared = arena_alloc(arena, (n + 1) * sizeof(*cleared));

	if (!cleared || !fields_keep(arena, buf_bytes(&row->patch.fields), &out->fields))
		return false;
	memcpy(cleared, row->patch.cleared, n * sizeof(*cleared));
	out->cleared = cleared;
	out->ncleared = n;
	return true;
}

static bool keep_checked(
	struct import *im, const struct row *row, const struct reads *reads, struct ready_row *out)
{
	struct arena *arena = im->t.call->arena;

	out->found = row->found;
	out->id = row->id;
	return reads_keep(arena, reads, &out->reads) &&
	       fields_keep(arena, buf_bytes(&row->patch.fields), &out->entered) &&
	       fields_keep(arena, buf_bytes(&row->checked), &out->record);
}

/* Of the whole record when it is known, but for a number that comes later. */
static bool keep_terms(struct import *im, struct ready_row *out)
{
	struct call *c = im->t.call;
	const uint32_t numbered = out->numbered;
	struct bytes of = out->checked ? out->record : out->fields;
	struct buf rest = BUF_INIT;
	bool kept = true;

	if (out->found)
		return true;
	if (out->checked && numbered) {
		record_merge(of, bytes_of("", 0), &numbered, 1, &rest);
		kept = fields_keep(c->arena, buf_bytes(&rest), &of);
		buf_free(&rest);
	}
	return kept && store_terms(c->txn, im->t.entity, of, c->arena, &out->terms);
}

static void row_prepare(struct import *im, const Guanxi__Row *in, struct ready_row *out)
{
	struct lookup *lookup = call_lookup(im->t.call);
	size_t named = lookup_by_name(lookup);
	struct row row = { .in = in };
	struct reads reads = { 0 };
	struct error ignored;
	bool read;

	error_init(&ignored);
	lookup_numbered(lookup);
	txn_note_reads(im->t.call->txn, &reads);
	read = !row_parse(im, &row, &ignored) && keep_read(im, &row, out);
	row_free(&row);
	row = (struct row){ .in = in, .ready = out };
	out->checked =
		read && !row_check(im, &row, &ignored) && keep_checked(im, &row, &reads, out);
	out->numbered = lookup_numbered(lookup);
	txn_note_reads(im->t.call->txn, NULL);
	/* a reference by any other name than the id may mean another record once the rows before it are written */
	out->read = read && lookup_by_name(lookup) == named;
	if ((out->checked || out->read) && !keep_terms(im, out))
		out->checked = out->read = false;
	error_clear(&ignored);
	reads_free(&reads);
	row_free(&row);
}

static void rows_prepare(struct import *im)
{
	struct call *c = im->t.call;
	size_t n = c->request->n_row;
	struct ready *ready = n <= ROWS_MAX ? arena_calloc(c->arena, 1,
						      sizeof(*ready) + n * sizeof(ready->rows[0]))
					    : NULL;
	struct reads shared = { 0 };

	if (!ready)
		return;
	ready->generation = generation_number(c->generation);
	ready->caller = c->caller;
	ready->snapshot = txn_snapshot(c->txn);
	lookup_share_reads(call_lookup(c), &shared);
	lookup_put_numbers_off(call_lookup(c));
	for (size_t i = 0; i < n; i++)
		row_prepare(im, c->request->row[i], &ready->rows[i]);
	lookup_share_reads(call_lookup(c), NULL);
	if (!reads_keep(c->arena, &shared, &ready->shared))
		ready->caller = NULL;
	reads_free(&shared);
	c->prepared = ready;
}

enum status import_prepare(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };

	if (!import_open(c, &im, true, e))
		rows_prepare(&im);
	error_clear(e);
	return STATUS_OK;
}

/* ---- On the writer ---- */

const struct ready_row *ready_of(const struct import *im, size_t i)
{
	const struct call *c = im->t.call;
	const struct ready *ready = c->prepared;

	if (!ready || ready->generation != generation_number(c->generation))
		return NULL;
	return ready->rows[i].read || ready->rows[i].checked ? &ready->rows[i] : NULL;
}

static bool holds(const struct import *im, const struct ready_row *row)
{
	const struct call *c = im->t.call;
	const struct ready *ready = c->prepared;

	return row->checked && ready->caller == c->caller &&
	       reads_hold(c->txn, ready->snapshot, &ready->shared) &&
	       reads_hold(c->txn, ready->snapshot, &row->reads);
}

bool row_checked_before(struct import *im, struct row *row, struct error *e)
{
	const struct ready_row *r = row->ready;
	struct model_write w;

	if (!r || !holds(im, r))
		return false;
	if (r->numbered) {
		w = target_write(&im->t, NULL, 0);
		if (model_number_now(&w, r->numbered, r->record, &row->checked, e)) {
			buf_clear(&row->checked);
			error_clear(e);
			return false;
		}
	} else {
		buf_add_bytes(&row->checked, r->record);
	}
	buf_add_bytes(&row->patch.fields, r->entered);
	row->found = r->found;
	row->id = r->id;
	return true;
}
