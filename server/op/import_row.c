/* One row of an import: what it says, the record that it means, and whether it may stand. */
#include "common/text.h"
#include "server/model/portable.h"
#include "server/op/duplicates.h"
#include "server/op/import.h"
#include "server/op/op.h"

/*
 * An external id that this server made for an export means the record that it was made for; it is not stored. Without it being the key the
 * row would be that record once more.
 */
static enum status own_find(struct import *im, struct row *row, struct error *e)
{
	struct bytes text = record_text(buf_bytes(&row->patch.fields), TAG_EXTERNAL_ID);
	uint64_t own = text.len ? portable_own(call_lookup(im->t.call), im->t.entity, text) : 0;
	struct buf rest = BUF_INIT;
	const uint32_t tag = TAG_EXTERNAL_ID;

	if (!own)
		return STATUS_OK;
	if (!im->key || im->key->tag != TAG_EXTERNAL_ID)
		return error_set(e, STATUS_DUPLICATE, "external_id is that of %s \"%llu\"",
			im->t.entity->name, (unsigned long long)own);
	row->id = own;
	row->found = true;
	record_merge(buf_bytes(&row->patch.fields), bytes_of("", 0), &tag, 1, &rest);
	buf_free(&row->patch.fields);
	row->patch.fields = rest;
	return STATUS_OK;
}

/* A key that the server makes, such as a dictionary entry's: it finds records and is never entered. */
static bool is_made_key(const struct import *im, const struct field *f)
{
	return f == im->key && f->flags & F_READONLY && f->flags & F_UNIQUE;
}

/* Of those with a value that many may have, the first two that the caller sees. */
static size_t find_visible(struct import *im, struct bytes wire, uint64_t found[2])
{
	struct txn *t = im->t.call->txn;
	uint64_t ids[64], after = 0;
	size_t n = 0, page;

	while (n < 2 &&
		(page = store_find_equal(t, im->t.entity, im->key, wire, after, ids, 64)) > 0) {
		for (size_t i = 0; i < page && n < 2; i++)
			if (store_visible(t, &im->t.scope, im->t.entity, ids[i]))
				found[n++] = ids[i];
		after = ids[page - 1];
	}
	return n;
}

/* The key may be that of a record in the trash: then it is free. One that was merged still names the survivor. */
static enum status key_free(struct import *im, struct row *row, struct error *e)
{
	const struct scope live = { .all = true };
	struct txn *t = im->t.call->txn;
	uint64_t survivor = store_survivor(t, im->t.entity, row->id);

	if (survivor != row->id && store_visible(t, &im->t.scope, im->t.entity, survivor))
		return error_field(e, im->key->name, "is that of a %s merged into \"%llu\"",
			im->t.entity->name, (unsigned long long)survivor);
	if (survivor != row->id || store_visible(t, &live, im->t.entity, row->id))
		return error_field(e, im->key->name, "is taken");
	row->found = false;
	row->id = 0;
	return STATUS_OK;
}

/* The record that has the row's key. Among those with an indexed value that is not unique there must be one only. */
static enum status row_find(struct import *im, struct row *row, struct error *e)
{
	struct txn *t = im->t.call->txn;
	struct bytes run, text;
	struct wire_field w;
	uint64_t ids[2];
	size_t n;
	enum status s;

	s = own_find(im, row, e);
	if (s)
		return s;
	if (row->found)
		return store_get(
			t, &im->t.scope, im->t.entity, row->id, &row->room, &row->before, e);
	if (!im->key || im->key_column >= row->in->n_cell)
		return STATUS_OK;
	text = pb_bytes(row->in->cell[im->key_column]);
	run = record_run(buf_bytes(&row->patch.fields), im->key->tag);
	if (is_made_key(im, im->key) ? !text_trim(text).len : !record_next(&run, &w, NULL))
		return STATUS_OK;
	if (im->key->flags & F_UNIQUE) {
		s = store_find_unique(t, im->t.entity, im->key, text, &row->id, e);
		n = s == STATUS_OK;
	} else {
		n = find_visible(im, w.whole, ids);
		row->id = n ? ids[0] : 0;
		s = n > 1 ? error_field(e, im->key->name, "stands in more than one record")
			  : STATUS_OK;
	}
	row->found = n == 1;
	if (s || !row->found)
		return s == STATUS_NOT_FOUND ? STATUS_OK : s;
	s = store_get(t, &im->t.scope, im->t.entity, row->id, &row->room, &row->before, NULL);
	return s == STATUS_NOT_FOUND ? key_free(im, row, e) : s;
}

enum status row_parse(struct import *im, struct row *row, struct error *e)
{
	enum status worst = STATUS_OK;

	if (row->in->n_cell > im->n)
		return error_set(e, STATUS_INVALID, "row has %zu cells, header has %zu",
			row->in->n_cell, im->n);
	for (size_t i = 0; i < row->in->n_cell; i++) {
		enum status s = STATUS_OK;

		if (!is_made_key(im, im->columns[i]))
			s = patch_add(
				&im->t, &row->patch, im->columns[i], pb_bytes(row->in->cell[i]), e);
		if (s && s != STATUS_INVALID && s != STATUS_NOT_FOUND)
			return s;
		worst = worst ? worst : s;
	}
	patch_finish(&row->patch);
	return worst ? STATUS_INVALID : STATUS_OK;
}

/* As it was read before, else now. */
static enum status row_read(struct import *im, struct row *row, struct error *e)
{
	const struct ready_row *r = row->ready;

	if (!r)
		return row_parse(im, row, e);
	buf_add_bytes(&row->patch.fields, r->fields);
	memcpy(row->patch.cleared, r->cleared, r->ncleared * sizeof(*r->cleared));
	row->patch.ncleared = r->ncleared;
	return STATUS_OK;
}

static bool is_stamp(uint32_t tag)
{
	return tag == TAG_UPDATED_AT || tag == TAG_UPDATED_BY;
}

/* They are the server's for a record that is changed now, and as the file says for one that is new. */
static void stamps_take(struct row *row)
{
	struct bytes rest = buf_bytes(&row->patch.fields);
	struct buf others = BUF_INIT;
	struct wire_field w;
	size_t n = 0;

	while (record_next(&rest, &w, NULL))
		buf_add_bytes(is_stamp(w.tag) ? &row->stamps : &others, w.whole);
	buf_free(&row->patch.fields);
	row->patch.fields = others;
	for (size_t i = 0; i < row->patch.ncleared; i++)
		if (!is_stamp(row->patch.cleared[i]))
			row->patch.cleared[n++] = row->patch.cleared[i];
	row->patch.ncleared = n;
}

enum status row_check(struct import *im, struct row *row, struct error *e)
{
	struct model_write w = target_write(&im->t, row->found ? &row->before : NULL, row->id);
	enum status parsed = row_read(im, row, e);
	enum status s;

	if (parsed && parsed != STATUS_INVALID)
		return parsed;
	s = row_find(im, row, e);
	if (s || (row->found && im->on_conflict == CONFLICT_SKIP))
		return s ? s : parsed;
	if (row->found && im->on_conflict == CONFLICT_FAIL)
		return error_set(e, STATUS_DUPLICATE, "%s is there already: %s \"%llu\"",
			im->key->name, im->t.entity->name, (unsigned long long)row->id);
	w = target_write(&im->t, row->found ? &row->before : NULL, row->id);
	if (patch_authors(&im->t, &row->patch, row->found ? &row->before : NULL, e))
		parsed = STATUS_INVALID;
	stamps_take(row);
	record_merge(row->found ? row->before.fields : bytes_of("", 0),
		buf_bytes(&row->patch.fields), row->patch.cleared, row->patch.ncleared,
		&row->whole);
	s = model_check(&w, buf_bytes(&row->whole), &row->checked, e);
	if (!s && !parsed)
		s = duplicates_check(&im->t, &w, buf_bytes(&row->checked), e);
	if (!row->found)
		buf_add_bytes(&row->checked, buf_bytes(&row->stamps));
	return s ? s : parsed;
}

bool is_row_fault(enum status s)
{
	return s == STATUS_INVALID || s == STATUS_DUPLICATE || s == STATUS_NOT_FOUND ||
	       s == STATUS_CONFLICT || s == STATUS_DENIED;
}

void row_free(struct row *row)
{
	patch_free(&row->patch);
	buf_free(&row->room);
	buf_free(&row->whole);
	buf_free(&row->checked);
	buf_free(&row->stamps);
}
