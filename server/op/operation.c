#include "server/op/operation.h"
#include "common/record.h"
#include "server/op/journal.h"
#include "server/op/op.h"

#define ENTRIES 256

/* What the log knows of an operation that has no journal. */
static enum status job_of_log(struct call *c, uint64_t operation, struct job *job,
	const char **kind, struct buf *room, struct error *e)
{
	uint64_t seqs[ENTRIES], after = 0;
	struct log_entry entry;
	struct log_body body = { 0 };
	enum status s = STATUS_NOT_FOUND;
	size_t n;

	*job = (struct job){ .operation = operation, .state = JOB_DONE };
	while ((n = log_of_operation(c->txn, operation, after, seqs, ENTRIES)) > 0) {
		job->done += n;
		after = seqs[n - 1];
		if (s != STATUS_NOT_FOUND)
			continue;
		s = log_read(c->txn, seqs[0], &entry, room, &body, e);
		if (s)
			return s;
		*kind = log_kind_name(entry.kind);
		job->user = entry.user;
		job->started_ms = job->finished_ms = job->touched_ms = (uint64_t)entry.time_ms;
		job->reason = body.reason;
	}
	return s;
}

/* What a bulk change has done: its client does not say so by and by. */
static uint64_t count_entries(struct call *c, uint64_t operation)
{
	uint64_t seqs[ENTRIES], after = 0, count = 0;
	size_t n;

	while ((n = log_of_operation(c->txn, operation, after, seqs, ENTRIES)) > 0) {
		count += n;
		after = seqs[n - 1];
	}
	return count;
}

static enum status read_job(struct call *c, uint64_t operation, struct job *job, const char **kind,
	struct buf *room, struct error *e)
{
	enum status s = journal_read(c->txn, operation, room, job, e);

	if (s == STATUS_NOT_FOUND)
		s = job_of_log(c, operation, job, kind, room, e);
	else if (!s)
		*kind = job_kind_names[job->kind];
	if (!s && (job->kind == JOB_SET || job->kind == JOB_DELETE))
		job->done = count_entries(c, operation);
	if (!s && job->user != c->caller->user && !c->caller->admin)
		s = STATUS_NOT_FOUND;
	if (s == STATUS_NOT_FOUND)
		return error_set(
			e, s, "there is no operation \"%llu\"", (unsigned long long)operation);
	return s;
}

enum status operation_read(
	struct target *t, uint64_t id, struct buf *room, struct stored *out, struct error *e)
{
	struct buf row = BUF_INIT;
	const char *kind = "";
	struct job job;
	enum status s = read_job(t->call, id, &job, &kind, &row, e);

	if (!s) {
		buf_clear(room);
		journal_fields(t->call, &job, kind, room);
		*out = (struct stored){ .id = id, .version = 1, .fields = buf_bytes(room) };
	}
	buf_free(&row);
	return s;
}

static enum status number_value(struct call *c, const char *name, uint64_t value, struct error *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return reply_value(c, name, bytes_str(text), e);
}

/* How far it got, for who waits for it. */
static enum status operation_state(struct call *c, struct error *e)
{
	struct buf row = BUF_INIT;
	const char *kind = "";
	struct job job;
	uint64_t id;
	enum status s;

	if (!call_arg_number(c, "operation", &id) || !id)
		return error_set(e, STATUS_USAGE, "operation is not a number");
	s = read_job(c, id, &job, &kind, &row, e);
	if (!s)
		s = reply_value(c, "kind", bytes_str(kind), e);
	if (!s)
		s = reply_value(c, "state", bytes_str(job_state_names[job.state]), e);
	if (!s)
		s = number_value(c, "total", job.total, e);
	if (!s)
		s = number_value(c, "checked", job.checked, e);
	if (!s && job.refused)
		s = number_value(c, "code", job.refused, e);
	if (!s && job.message.len)
		s = reply_value(c, "why", job.message, e);
	c->reply->has_operation = c->reply->has_count = true;
	c->reply->operation = id;
	c->reply->count = job.kind == JOB_IMPORT ? job.added + job.updated : job.done;
	buf_free(&row);
	return s;
}

enum status operation_bulk(struct target *t, enum job_kind kind, struct error *e)
{
	struct call *c = t->call;
	struct job job = { .kind = kind };

	if (!call_arg(c, "total").len || call_arg(c, "operation").len || c->request->dry_run)
		return STATUS_OK;
	if (!call_arg_number(c, "total", &job.total) || !job.total)
		return error_set(e, STATUS_USAGE, "total is not a number");
	return journal_bulk(c, &job, t->entity, e);
}

/* The client of a bulk change has come to its end. */
static enum status operation_finish(struct call *c, struct error *e)
{
	struct buf row = BUF_INIT;
	const char *kind = "";
	uint64_t id, failed = 0;
	struct job job;
	enum status s;

	if (!call_arg_number(c, "operation", &id) || !id ||
		(call_arg(c, "failed").len && !call_arg_number(c, "failed", &failed)))
		return error_set(e, STATUS_USAGE, "operation is not a number");
	s = read_job(c, id, &job, &kind, &row, e);
	if (!s && job.user != c->caller->user)
		s = error_set(e, STATUS_DENIED, "operation is not yours");
	if (!s && journal_open_bulk(&job)) {
		job.rejected = failed;
		s = journal_finish(c, &job, failed ? JOB_PARTIAL : JOB_DONE, e);
	}
	buf_free(&row);
	return s;
}

const struct op operation_ops[] = {
	{ .name = "operation.finish", .kind = OP_WRITE, .run = operation_finish },
	{ .name = "operation.state", .kind = OP_READ, .run = operation_state },
	{ 0 },
};
