/* Many records at once: each row for itself, all of them one operation, which goes on where it was broken off. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/model/portable.h"
#include "server/op/duplicates.h"
#include "server/op/journal.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"

#define ROWS_MAX 1000
#define COLUMNS_MAX 256
#define RESUME_MAX 128
#define ORDER_RETRY_MS 20 /* rows came before those that belong before them */

enum on_conflict { CONFLICT_FAIL, CONFLICT_SKIP, CONFLICT_UPDATE };

/* A row as it was read before the writer has time for it. */
struct ready_row {
	bool ok;
	struct bytes fields;
	const uint32_t *cleared;
	size_t ncleared;
	struct ready_terms terms;
};

struct ready {
	uint64_t generation; /* by whose fields and dictionaries the rows were read */
	struct ready_row rows[];
};

struct import {
	struct target t;
	const struct field *columns[COLUMNS_MAX];
	size_t n;
	const struct field *key; /* NULL: every row is new */
	size_t key_column;
	enum on_conflict on_conflict;
	bool journalled;
	struct job job;
	struct buf job_room;
	uint64_t first; /* number of the request's first row in the whole import */
};

/* A row on its way. */
struct row {
	const Guanxi__Row *in;
	const struct ready_row *ready; /* or NULL */
	struct patch patch;
	struct buf room, whole, checked;
	struct buf stamps; /* who changed it last and when, as the file says */
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
	/* what is found by a value tells it */
	if (!(im->t.call->caller->class_mask & 1u << field_strictest(im->key)))
		return error_set(e, STATUS_DENIED, "%s must not be asked for", im->key->name);
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

static enum status row_parse(struct import *im, struct row *row, struct error *e)
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

static enum status row_check(struct import *im, struct row *row, struct error *e)
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
	txn_offer_terms(c->txn, row->ready && !row->found ? &row->ready->terms : NULL);
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

/* Values of the file by which a later row may meet this one: the client of a dry run remembers them, because nothing else does. */
static enum status row_keys(struct import *im, const struct row *row, Guanxi__RowResult *r)
{
	struct call *c = im->t.call;
	const struct entity *en = im->t.entity;
	uint8_t key[18];

	r->key = arena_alloc(c->arena, (en->nfields + 1) * sizeof(*r->key));
	for (size_t i = 0; r->key && i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f != im->key && !(f->flags & F_UNIQUE))
			continue;
		if (!store_value_hash(c->txn, en, f, buf_bytes(&row->patch.fields), key + 2))
			continue;
		put_be16(key, f->tag);
		r->key[r->n_key++] = pb_from(arena_copy(c->arena, bytes_of(key, sizeof(key))));
	}
	return r->key ? STATUS_OK : STATUS_INVALID;
}

static void count(struct import *im, const struct row *row, enum status status)
{
	struct job *job = &im->job;

	if (status)
		job->rejected++;
	else if (!strcmp(row->action, "added"))
		job->added++;
	else if (!strcmp(row->action, "updated"))
		job->updated++;
	else if (!strcmp(row->action, "unchanged"))
		job->unchanged++;
	else
		job->skipped++;
	job->line = row->in->line;
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
	r->has_id = row->id != 0 && !status && (row->found || !c->request->dry_run);
	r->id = row->id;
	r->has_action = row->action && !status;
	r->action = pb_from(bytes_str(row->action ? row->action : ""));
	c->reply->row[c->reply->n_row++] = r;
	count(im, row, status);
	if (!status && !row->found && c->request->dry_run && row_keys(im, row, r))
		return no_room(e);
	return status ? row_errors(c->arena, why, st, e) : STATUS_OK;
}

/* What is one row's fault; anything else ends the call. */
static bool is_row_fault(enum status s)
{
	return s == STATUS_INVALID || s == STATUS_DUPLICATE || s == STATUS_NOT_FOUND ||
	       s == STATUS_CONFLICT || s == STATUS_DENIED;
}

static const struct ready_row *ready_of(const struct import *im, size_t i)
{
	const struct call *c = im->t.call;
	const struct ready *ready = c->prepared;

	if (!ready || ready->generation != generation_number(c->generation) || !ready->rows[i].ok)
		return NULL;
	return &ready->rows[i];
}

static void row_free(struct row *row)
{
	patch_free(&row->patch);
	buf_free(&row->room);
	buf_free(&row->whole);
	buf_free(&row->checked);
	buf_free(&row->stamps);
}

/* Whether what was read of the row before is still what it says: a record that it names may have changed since. */
static bool still_so(struct import *im, const struct row *row)
{
	struct row again = { .in = row->in };
	const struct ready_row *r = row->ready;
	struct error e;
	bool same;

	error_init(&e);
	same = row_parse(im, &again, &e) == STATUS_OK &&
	       bytes_equal(buf_bytes(&again.patch.fields), r->fields) &&
	       again.patch.ncleared == r->ncleared;
	error_clear(&e);
	row_free(&again);
	return same;
}

static enum status row_check_ready(struct import *im, struct row *row, struct error *e)
{
	enum status s = row_check(im, row, e);

	if (!s || !row->ready || !is_row_fault(s) || still_so(im, row))
		return s;
	error_clear(e);
	error_init(e);
	row_free(row);
	*row = (struct row){ .in = row->in };
	return row_check(im, row, e);
}

static enum status row_take(struct import *im, size_t i, struct error *e)
{
	struct row row = { .in = im->t.call->request->row[i], .ready = ready_of(im, i) };
	struct txn *t = im->t.call->txn;
	size_t puts;
	struct error why;
	enum status s;

	error_init(&why);
	s = row_check_ready(im, &row, &why);
	puts = txn_puts(t);
	if (!s)
		s = row_write(im, &row, &why);
	if (s && (!is_row_fault(s) || txn_puts(t) != puts)) {
		error_move(e, &why); /* not this row's fault, or half of it stands */
	} else {
		s = row_answer(im, &row, s, &why, e);
	}
	error_clear(&why);
	row_free(&row);
	return s;
}

/* A row that was taken by an earlier request, whose answer the client has not seen. */
static enum status row_taken(struct import *im, const Guanxi__Row *in, struct error *e)
{
	struct row row = { .in = in, .action = "done" };
	struct job before = im->job;
	enum status s = row_answer(im, &row, STATUS_OK, NULL, e);

	im->job = before;
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
	for (size_t i = 0; !s && i < n; i++)
		s = im->journalled && im->first + i < im->job.done
			    ? row_taken(im, c->request->row[i], e)
			    : row_take(im, i, e);
	return s;
}

static enum status import_open(struct call *c, struct import *im, bool columns, struct error *e)
{
	enum status s = target_open_write(c, &im->t, e);

	im->t.original = c->author.original = true;
	if (!s && columns)
		s = columns_read(im, e);
	if (!s && columns)
		s = key_read(im, e);
	return s ? s : on_conflict_read(im, e);
}

/* The key that names an import: of what the client says, this entity's alone. */
static enum status resume_read(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	struct bytes resume = call_arg(c, "resume");
	struct buf text = BUF_INIT;

	if (!resume.len)
		return STATUS_OK;
	if (resume.len > RESUME_MAX)
		return error_set(e, STATUS_USAGE, "resume is longer than %d bytes", RESUME_MAX);
	buf_add_u16(&text, im->t.entity->number);
	buf_add_bytes(&text, resume);
	store_hash(c->server->store, "import", buf_bytes(&text), im->job.key);
	buf_free(&text);
	return STATUS_OK;
}

static enum status number_value(struct call *c, const char *name, uint64_t value, struct error *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return reply_value(c, name, arena_copy(c->arena, bytes_str(text)), e);
}

/* How far it got. */
static enum status import_report(struct import *im, struct error *e)
{
	const struct job *job = &im->job;
	struct call *c = im->t.call;
	const struct {
		const char *name;
		uint64_t value;
	} values[] = { { "rows", job->done }, { "line", job->line }, { "added", job->added },
		{ "updated", job->updated }, { "unchanged", job->unchanged },
		{ "skipped", job->skipped }, { "rejected", job->rejected } };
	enum status s = STATUS_OK;

	c->reply->has_operation = true;
	c->reply->operation = c->author.operation = job->operation;
	for (size_t i = 0; !s && i < sizeof(values) / sizeof(values[0]); i++)
		s = number_value(c, values[i].name, values[i].value, e);
	return s;
}

static enum status begin(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	uint64_t known =
		c->request->dry_run ? 0 : journal_import(c->txn, c->caller->user, im->job.key);
	enum status s;

	if (known) {
		s = journal_read(c->txn, known, &im->job_room, &im->job, e);
	} else {
		im->job.kind = JOB_IMPORT;
		im->job.entity = im->t.entity->number;
		s = journal_begin(c, &im->job, e);
	}
	return s ? s : import_report(im, e);
}

static enum status import_begin(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };
	enum status s = import_open(c, &im, c->request->n_column > 0, e);

	if (!s)
		s = resume_read(&im, e);
	if (!s)
		s = begin(&im, e);
	buf_free(&im.job_room);
	return s;
}

/* The journal of the operation that the request goes on with, when it has one. */
static enum status journal_join(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	enum status s;

	if (c->request->dry_run && !call_arg(c, "operation").len)
		return STATUS_OK;
	s = target_operation_joined(&im->t, e);
	if (s || !call_arg(c, "operation").len)
		return s;
	s = journal_read(c->txn, c->author.operation, &im->job_room, &im->job, e);
	if (s == STATUS_NOT_FOUND)
		return STATUS_OK;
	im->journalled = !s && !c->request->dry_run;
	return s;
}

/* Rows are taken in their order, so that the number of rows taken says which. */
static enum status first_read(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	struct bytes from = call_arg(c, "from");

	im->first = im->job.done;
	if (!im->journalled || !from.len)
		return STATUS_OK;
	if (!call_arg_number(c, "from", &im->first))
		return error_set(e, STATUS_USAGE, "from is not a number");
	if (im->first <= im->job.done)
		return STATUS_OK;
	error_reason(e, STATUS_BUSY, "order", "the rows before these have not come yet");
	e->retry_ms = ORDER_RETRY_MS;
	return STATUS_BUSY;
}

/* What a client that goes on must know of the rows that were refused. */
static enum status refused_keep(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	Guanxi__Status status = GUANXI__STATUS__INIT;
	Guanxi__Reply rows = GUANXI__REPLY__INIT;

	rows.status = &status;
	rows.row = arena_alloc(c->arena, (c->reply->n_row + 1) * sizeof(*rows.row));
	if (!rows.row)
		return no_room(e);
	for (size_t i = 0; i < c->reply->n_row; i++)
		if (c->reply->row[i]->status->code)
			rows.row[rows.n_row++] = c->reply->row[i];
	if (!rows.n_row)
		return STATUS_OK;
	return journal_refused(c->txn, im->job.operation, im->first, &rows, e);
}

static enum status journal_advance(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	uint64_t done = im->first + c->request->n_row;
	enum status s;

	if (!im->journalled || done <= im->job.done)
		return STATUS_OK;
	im->job.done = done;
	im->job.touched_ms = (uint64_t)c->now_ms;
	s = refused_keep(im, e);
	return s ? s : journal_write(c->txn, &im->job, e);
}

/* A reference by any other name than the id may mean another record once the rows before it are written. */
static enum status reference_by_id(
	void *arg, const char *entity, struct bytes text, uint64_t *id, struct error *e)
{
	const struct parse_context by_all = lookup_parse_context(arg, 0, NULL);

	return id_parse(text_trim(text), id) ? by_all.reference(arg, entity, text, id, e)
					     : STATUS_NOT_FOUND;
}

static void row_prepare(struct import *im, const Guanxi__Row *in, struct ready_row *out)
{
	struct call *c = im->t.call;
	struct row row = { .in = in };
	struct error ignored;
	uint32_t *cleared = NULL;

	error_init(&ignored);
	if (!row_parse(im, &row, &ignored)) {
		out->fields = arena_copy(c->arena, buf_bytes(&row.patch.fields));
		out->ncleared = row.patch.ncleared;
		out->cleared = cleared =
			arena_alloc(c->arena, (out->ncleared + 1) * sizeof(*cleared));
		out->ok = cleared && out->fields.data &&
			  store_terms(c->txn, im->t.entity, out->fields, c->arena, &out->terms);
	}
	if (out->ok)
		memcpy(cleared, row.patch.cleared, out->ncleared * sizeof(*cleared));
	error_clear(&ignored);
	row_free(&row);
}

static void rows_prepare(struct import *im)
{
	struct call *c = im->t.call;
	size_t n = c->request->n_row;
	struct ready *ready = n <= ROWS_MAX ? arena_calloc(c->arena, 1,
						      sizeof(*ready) + n * sizeof(ready->rows[0]))
					    : NULL;

	if (!ready)
		return;
	ready->generation = generation_number(c->generation);
	im->t.parse.reference = reference_by_id;
	for (size_t i = 0; i < n; i++)
		row_prepare(im, c->request->row[i], &ready->rows[i]);
	c->prepared = ready;
}

/* Reads the rows and makes their terms beside the writer. All that is wrong is found again there, and said there. */
static enum status import_prepare(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };

	if (!import_open(c, &im, true, e))
		rows_prepare(&im);
	error_clear(e);
	return STATUS_OK;
}

static enum status import_rows(struct call *c, struct error *e)
{
	struct import im = { .n = 0 };
	enum status s = import_open(c, &im, true, e);

	if (!s)
		s = journal_join(&im, e);
	if (!s)
		s = first_read(&im, e);
	if (!s)
		s = rows_take(&im, e);
	if (!s)
		s = journal_advance(&im, e);
	buf_free(&im.job_room);
	return s;
}

/* The import that the request names, the caller's own. */
static enum status import_named(struct import *im, struct error *e)
{
	struct call *c = im->t.call;
	uint64_t operation;
	enum status s;

	im->t.call = c;
	if (!call_arg_number(c, "operation", &operation))
		return error_set(e, STATUS_USAGE, "operation is not a number");
	s = journal_read(c->txn, operation, &im->job_room, &im->job, e);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (s || im->job.kind != JOB_IMPORT || im->job.user != c->caller->user)
		return error_set(e, STATUS_NOT_FOUND, "there is no import \"%llu\"",
			(unsigned long long)operation);
	return STATUS_OK;
}

static enum status import_end(struct call *c, struct error *e)
{
	struct import im = { .t.call = c };
	enum status s = import_named(&im, e);

	if (!s && im.job.state == JOB_RUNNING)
		s = journal_finish(c, &im.job, JOB_DONE, e);
	if (!s)
		s = import_report(&im, e);
	buf_free(&im.job_room);
	return s;
}

/* One reply holds the refused rows of one request of the import. */
static enum status import_refused(struct call *c, struct error *e)
{
	struct import im = { .t.call = c };
	struct buf packed = BUF_INIT;
	uint64_t first = 0;
	enum status s = import_named(&im, e);
	Guanxi__Reply *kept;

	call_arg_number(c, "from", &first);
	if (!s && journal_refused_next(c->txn, im.job.operation, &first, &packed)) {
		kept = guanxi__reply__unpack(arena_allocator(c->arena), packed.len, packed.data);
		if (kept) {
			c->reply->row = kept->row;
			c->reply->n_row = kept->n_row;
			s = number_value(c, "next", first + 1, e);
		} else {
			s = no_room(e);
		}
	}
	buf_free(&packed);
	buf_free(&im.job_room);
	return s;
}

const struct op import_ops[] = {
	{ .name = "import.begin", .kind = OP_WRITE, .run = import_begin, .right = "%s.import" },
	{ .name = "import.rows",
		.kind = OP_WRITE,
		.flags = OP_PREPARE_READS,
		.prepare = import_prepare,
		.run = import_rows,
		.right = "%s.import" },
	{ .name = "import.refused", .kind = OP_READ, .run = import_refused },
	{ .name = "import.end", .kind = OP_WRITE, .run = import_end },
	{ 0 },
};
