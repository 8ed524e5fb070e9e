/* Many records at once: each row for itself, all of them one operation, which goes on where it was broken off. */
#include "server/op/import.h"
#include "common/text.h"
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/server.h"

#define RESUME_MAX 128
#define ORDER_RETRY_MS 20 /* rows came before those that belong before them */

static enum status no_room(struct error *e)
{
	return error_set(e, STATUS_INVALID, "reply too large");
}

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

static enum status row_judge(struct import *im, struct row *row, struct error *e)
{
	enum status s;

	if (row_checked_before(im, row, e))
		return STATUS_OK;
	if (row->ready && !row->ready->read)
		row->ready = NULL;
	s = row_check(im, row, e);
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
	s = row_judge(im, &row, &why);
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

enum status import_open(struct call *c, struct import *im, bool columns, struct error *e)
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
		.flags = OP_PREPARE_READS | OP_BULK,
		.prepare = import_prepare,
		.run = import_rows,
		.right = "%s.import" },
	{ .name = "import.refused", .kind = OP_READ, .run = import_refused },
	{ .name = "import.end", .kind = OP_WRITE, .run = import_end },
	{ 0 },
};
