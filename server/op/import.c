/* Many records at once: each row for itself, all of them one operation. */
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"
#include <glib.h>

#define ROWS_MAX 1000
#define COLUMNS_MAX 256

enum on_conflict { CONFLICT_FAIL, CONFLICT_SKIP, CONFLICT_UPDATE };

struct import {
	struct target t;
	const struct field *columns[COLUMNS_MAX];
	size_t n;
	const struct field *key; /* NULL: every row is new */
	size_t key_column;
	enum on_conflict on_conflict;
	GHashTable *keys; /* of a dry run: its own */
};

/* A row on its way. */
struct row {
	const Guanxi__Row *in;
	Guanxi__RowResult *result;
	struct patch patch;
	struct buf room, whole, checked;
	struct stored before;
	bool found;
	uint64_t id;
	const char *action;
};

static enum status columns_read(struct import *im, struct error *e)
{
	const Guanxi__Request *r = im->t.call->request;
	bool bad = false;

	if (!r->n_column || r->n_column > COLUMNS_MAX)
		return error_set(e, STATUS_USAGE, "one to %d columns", COLUMNS_MAX);
	for (size_t i = 0; i < r->n_column; i++) {
		im->columns[i] = target_field(&im->t, pb_bytes(r->column[i]), e);
		bad = bad || !im->columns[i];
		for (size_t k = 0; im->columns[i] && k < i; k++)
			if (im->columns[k] == im->columns[i]) {
				error_field(e, im->columns[i]->name, "has two columns");
				bad = true;
			}
	}
	im->n = r->n_column;
	return bad ? STATUS_INVALID : STATUS_OK;
}

static enum status key_read(struct import *im, struct error *e)
{
	struct bytes name = call_arg(im->t.call, "key");

	if (!name.len)
		return STATUS_OK;
	im->key = target_field(&im->t, name, e);
	if (!im->key)
		return STATUS_INVALID;
	for (size_t i = 0; i < im->n; i++)
		if (im->columns[i] == im->key) {
			im->key_column = i;
			if (im->key->flags & (F_UNIQUE | F_LOOKUP | F_INDEXED))
				return STATUS_OK;
			return error_field(e, im->key->name, "is no key: it is not indexed");
		}
	return error_field(e, im->key->name, "is the key but no column");
}

static enum status on_conflict_read(struct import *im, struct error *e)
{
	struct bytes text = call_arg(im->t.call, "on_conflict");

	if (!text.len || bytes_equal_str(text, "fail"))
		im->on_conflict = CONFLICT_FAIL;
	else if (bytes_equal_str(text, "skip"))
		im->on_conflict = CONFLICT_SKIP;
	else if (bytes_equal_str(text, "update"))
		im->on_conflict = CONFLICT_UPDATE;
	else
		return error_set(e, STATUS_USAGE, "on_conflict is fail, skip or update");
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

	if (!im->key || im->key_column >= row->in->n_cell)
		return STATUS_OK;
	text = pb_bytes(row->in->cell[im->key_column]);
	run = record_run(buf_bytes(&row->patch.fields), im->key->tag);
	if (!record_next(&run, &w, NULL))
		return STATUS_OK;
	if (im->key->flags & F_UNIQUE) {
		s = store_find_unique(t, im->t.entity, im->key, text, &row->id, e);
		n = s == STATUS_OK;
	} else {
		n = store_find_equal(t, im->t.entity, im->key, w.whole, 0, ids, 2);
		row->id = n ? ids[0] : 0;
		s = n > 1 ? error_field(e, im->key->name, "stands in more than one record")
			  : STATUS_OK;
	}
	row->found = n == 1;
	if (s || !row->found)
		return s == STATUS_NOT_FOUND ? STATUS_OK : s;
	s = store_get(t, &im->t.scope, im->t.entity, row->id, &row->room, &row->before, e);
	if (s == STATUS_NOT_FOUND)
		return error_field(e, im->key->name, "is taken");
	return s;
}

static enum status row_parse(struct import *im, struct row *row, struct error *e)
{
	enum status worst = STATUS_OK;

	if (row->in->n_cell > im->n)
		return error_set(e, STATUS_INVALID, "row has %zu cells, header has %zu",
			row->in->n_cell, im->n);
	for (size_t i = 0; i < row->in->n_cell; i++) {
		enum status s = patch_add(
			&im->t, &row->patch, im->columns[i], pb_bytes(row->in->cell[i]), e);
		if (s && s != STATUS_INVALID && s != STATUS_NOT_FOUND)
			return s;
		worst = worst ? worst : s;
	}
	patch_finish(&row->patch);
	return worst ? STATUS_INVALID : STATUS_OK;
}

static enum status row_check(struct import *im, struct row *row, struct error *e)
{
	struct model_write w = target_write(&im->t, row->found ? &row->before : NULL, row->id);
	enum status parsed = row_parse(im, row, e);
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
	record_merge(row->found ? row->before.fields : bytes_of("", 0),
		buf_bytes(&row->patch.fields), row->patch.cleared, row->patch.ncleared,
		&row->whole);
	s = model_check(&w, buf_bytes(&row->whole), &row->checked, e);
	return s ? s : parsed;
}

/* A dry run sees no row before it in the store, so it remembers the keys. */
static enum status row_dry(struct import *im, const struct row *row, struct error *e)
{
	struct bytes run;
	struct buf text = BUF_INIT;
	enum status s = STATUS_OK;

	if (!im->key || row->found)
		return STATUS_OK;
	run = record_run(buf_bytes(&row->patch.fields), im->key->tag);
	if (!run.len)
		return STATUS_OK;
	buf_add_bytes(&text, run);
	GBytes *key = g_bytes_new(text.data, text.len);
	if (!g_hash_table_add(im->keys, key) && im->on_conflict == CONFLICT_FAIL)
		s = error_set(e, STATUS_DUPLICATE, "%s stands in a row before", im->key->name);
	buf_free(&text);
	return s;
}

static enum status row_write(struct import *im, struct row *row, struct error *e)
{
	struct call *c = im->t.call;
	bool unchanged = false;
	enum status s;

	if (row->found && im->on_conflict == CONFLICT_SKIP) {
		row->action = "skipped";
		return STATUS_OK;
	}
	row->action = row->found ? "updated" : "added";
	if (c->request->dry_run)
		return row_dry(im, row, e);
	s = store_put(c->txn, &c->author, im->t.entity, &row->id, row->found ? "set" : "add",
		buf_bytes(&row->checked), &unchanged, e);
	if (!s && unchanged)
		row->action = "unchanged";
	return s ? s : unchanged ? STATUS_OK : target_changed(&im->t, row->id, e);
}

static enum status no_room(struct error *e)
{
	return error_set(e, STATUS_INVALID, "reply too large");
}

static enum status row_errors(
	struct arena *arena, const struct error *from, Guanxi__Status *to, struct error *e)
{
	to->field = arena_alloc(arena, (from->nfields + 1) * sizeof(*to->field));
	if (!to->field)
		return no_room(e);
	for (size_t i = 0; i < from->nfields; i++) {
		Guanxi__FieldError *f = arena_alloc(arena, sizeof(*f));
		if (!f)
			return no_room(e);
		guanxi__field_error__init(f);
		f->field = pb_from(arena_copy(arena, bytes_str(from->fields[i].field)));
		f->message = pb_from(arena_copy(arena, bytes_str(from->fields[i].message)));
		to->field[to->n_field++] = f;
	}
	to->has_message = from->message[0] != 0;
	to->message = pb_from(arena_copy(arena, bytes_str(from->message)));
	return STATUS_OK;
}

static enum status row_answer(struct import *im, struct row *row, enum status status,
	const struct error *why, struct error *e)
{
	struct call *c = im->t.call;
	Guanxi__RowResult *r = arena_alloc(c->arena, sizeof(*r));
	Guanxi__Status *st = arena_alloc(c->arena, sizeof(*st));

	if (!r || !st)
		return no_room(e);
	guanxi__row_result__init(r);
	guanxi__status__init(st);
	st->code = (Guanxi__Code)status;
	r->status = st;
	r->line = row->in->line;
	r->has_id = row->id != 0 && !status;
	r->id = row->id;
	r->has_action = row->action && !status;
	r->action = pb_from(bytes_str(row->action ? row->action : ""));
	c->reply->row[c->reply->n_row++] = r;
	return status ? row_errors(c->arena, why, st, e) : STATUS_OK;
}

/* What is one row's fault; anything else ends the call. */
static bool is_row_fault(enum status s)
{
	return s == STATUS_INVALID || s == STATUS_DUPLICATE || s == STATUS_NOT_FOUND ||
	       s == STATUS_CONFLICT || s == STATUS_DENIED;
}

static enum status row_take(struct import *im, const Guanxi__Row *in, struct error *e)
{
	struct row row = { .in = in };
	struct txn *t = im->t.call->txn;
	size_t puts;
	struct error why;
	enum status s;

	error_init(&why);
	s = row_check(im, &row, &why);
	puts = txn_puts(t);
	if (!s)
		s = row_write(im, &row, &why);
	if (s && (!is_row_fault(s) || txn_puts(t) != puts)) {
		error_move(e, &why); /* not this row's fault, or half of it stands */
	} else {
		s = row_answer(im, &row, s, &why, e);
	}
	error_clear(&why);
	patch_free(&row.patch);
	buf_free(&row.room);
	buf_free(&row.whole);
	buf_free(&row.checked);
	return s;
}

static enum status rows_take(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	size_t n = c->request->n_row;
	enum status s = STATUS_OK;

	if (!n || n > ROWS_MAX)
		return error_set(e, STATUS_USAGE, "one to %d rows", ROWS_MAX);
	c->reply->row = arena_alloc(c->arena, n * sizeof(*c->reply->row));
	if (!c->reply->row)
		return no_room(e);
	im->keys = g_hash_table_new_full(
		g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
	for (size_t i = 0; !s && i < n; i++)
		s = row_take(im, c->request->row[i], e);
	g_hash_table_destroy(im->keys);
	return s;
}

static enum status import_open(struct call *c, struct import *im, struct error *e)
{
	enum status s = target_open_write(c, &im->t, e);

	if (!s)
		s = columns_read(im, e);
	if (!s)
		s = key_read(im, e);
	return s ? s : on_conflict_read(im, e);
}

static enum status import_begin(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };
	enum status s = import_open(c, &im, e);

	return s ? s : target_operation(&im.t, e);
}

static enum status import_rows(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };
	enum status s = import_open(c, &im, e);

	if (!s && !(c->request->dry_run && !call_arg(c, "operation").len))
		s = target_operation_joined(&im.t, e);
	return s ? s : rows_take(&im, e);
}

const struct op import_ops[] = {
	{ .name = "import.begin", .kind = OP_WRITE, .run = import_begin, .right = "%s.import" },
	{ .name = "import.rows", .kind = OP_WRITE, .run = import_rows, .right = "%s.import" },
	{ 0 },
};
