#include "server/op/jobs.h"
#include "common/record.h"
#include "server/call/rights.h"
#include "server/model/model.h"
#include "server/op/purge.h"
#include "server/op/undo.h"
#include <glib.h>

#define ENTRIES 16
#define GONE_MAX 64
#define SLICE_PUTS 6000u
#define SLICE_US (50 * 1000)
#define ABANDONED_MS (INT64_C(72) * 3600 * 1000) /* without a sign of its client */

uint64_t jobs_next(struct txn *t)
{
	uint64_t operation;

	return journal_running(t, 0, &operation) ? operation : 0;
}

bool jobs_waiting(struct txn *t, int64_t now_ms)
{
	uint64_t operation;

	return jobs_next(t) || journal_abandoned(t, now_ms - ABANDONED_MS, &operation) ||
	       purge_due(t, now_ms);
}

/* Its client has gone: what it has done stands, and can be taken back. */
static enum status close_abandoned(struct call *c, uint64_t operation, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = journal_read(c->txn, operation, &room, &job, e);

	if (!s)
		s = journal_finish(c, &job, JOB_PARTIAL, e);
	buf_free(&room);
	return s;
}

void slice_begin(struct slice *s, struct txn *t)
{
	*s = (struct slice){ t, txn_puts(t) + SLICE_PUTS, monotonic_us() + SLICE_US };
}

bool slice_over(const struct slice *s)
{
	return txn_puts(s->txn) >= s->puts || monotonic_us() >= s->until_us;
}

enum status job_begin(struct call *c, struct job *job, struct error *e)
{
	enum status s = journal_begin(c, job, e);

	c->reply->has_operation = true;
	c->reply->operation = c->author.operation;
	return s ? s : reply_value(c, "state", bytes_str("running"), e);
}

enum status job_refuse(
	struct call *c, struct job *job, enum status s, struct error *why, struct error *e)
{
	if (s != STATUS_CONFLICT && s != STATUS_NOT_FOUND && s != STATUS_INVALID &&
		s != STATUS_DUPLICATE && s != STATUS_DENIED) {
		error_move(e, why);
		return s;
	}
	job->refused = s;
	job->message = bytes_str(why->message);
	s = journal_finish(c, job, JOB_REFUSED, e);
	job->message = bytes_of("", 0);
	return s;
}

/* A slice that failed for itself is not tried again as it was: what is done is taken back. */
static void turn_back(struct job *job, const struct job_slice *how)
{
	job->refused = how->failed;
	job->message = bytes_str(how->message);
	job->phase = JOB_PHASE_BACK;
	job->at = 0;
}

static job_slice_fn *slice_of(const struct job *job)
{
	if (job->phase == JOB_PHASE_BACK)
		return undo_job_back;
	switch (job->kind) {
	case JOB_DELETE:
		return delete_job_slice;
	case JOB_RESTORE:
		return restore_job_slice;
	case JOB_MERGE:
		return merge_job_slice;
	case JOB_OFFBOARD:
		return offboard_job_slice;
	default:
		return undo_job_slice;
	}
}

/* The slice runs with the rights of who asked for it. */
static enum status slice_as_user(
	struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	const struct caller *before = c->caller;
	struct caller *caller = NULL;
	struct error why;
	enum status s;

	c->author.user = job->user;
	c->author.session = job->session;
	c->author.operation = job->operation;
	c->author.reason = job->reason;
	c->author.address = job->address;
	error_init(&why);
	s = caller_load(c->txn, job->user, job->session, &caller, &why);
	/* who may no longer do it has begun it when that was allowed: only the check needs to know */
	if (s && job->phase == JOB_PHASE_CHECK) {
		error_move(e, &why);
		return s;
	}
	error_clear(&why);
	c->caller = caller;
	s = slice_of(job)(c, job, how, e);
	c->caller = before;
	if (caller)
		caller_free(&caller);
	return s;
}

enum status jobs_slice(struct call *c, struct error *e)
{
	struct job_slice *how = c->prepared;
	uint64_t operation = jobs_next(c->txn);
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = STATUS_OK;

	/* a job may still refer to what lies in the trash: that is left alone meanwhile */
	if (!operation && journal_abandoned(c->txn, c->now_ms - ABANDONED_MS, &operation))
		return close_abandoned(c, operation, e);
	if (!operation)
		return purge_slice(c, how->failed != STATUS_OK, e);
	s = journal_read(c->txn, operation, &room, &job, e);
	if (!s && how->failed && job.phase != JOB_PHASE_BACK)
		turn_back(&job, how);
	if (!s)
		s = slice_as_user(c, &job, how, e);
	buf_free(&room);
	return s;
}

/* Operations whose changes of a record count no more, because later ones have taken them back. */
struct gone {
	uint64_t operations[GONE_MAX];
	size_t n;
};

static bool is_gone(const struct gone *g, uint64_t operation)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->operations[i] == operation)
			return true;
	return false;
}

/* An undo and what it took back are nothing together; a job that was refused has taken itself back. */
static bool cancels(struct txn *t, const struct log_entry *entry, struct gone *g)
{
	struct buf room = BUF_INIT;
	struct job job;
	bool known =
		g->n < GONE_MAX && !journal_read(t, entry->operation, &room, &job, NULL) &&
		(job.state == JOB_REFUSED || (entry->kind == LOG_UNDO && job.kind == JOB_UNDO));

	if (known && job.state != JOB_REFUSED)
		g->operations[g->n++] = job.target;
	buf_free(&room);
	return known;
}

uint64_t job_newest(struct txn *t, const struct job *job, const struct entity *entity, uint64_t id)
{
	uint64_t seqs[ENTRIES], before = 0;
	struct buf room = BUF_INIT;
	struct gone gone = { .n = 0 };
	uint64_t newest = 0;
	size_t n;

	while (!newest && (n = log_of_record(t, entity, id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !newest && i < n; i++) {
			struct log_entry entry;
			bool read = !log_read(t, seqs[i], &entry, &room, NULL, NULL);
			if (!read)
				newest = UINT64_MAX;
			else if (log_kind_is_change(entry.kind) &&
				 !is_gone(&gone, entry.operation) &&
				 (entry.operation == job->target ||
					 entry.operation == job->operation ||
					 !cancels(t, &entry, &gone)))
				newest = entry.operation ? entry.operation : UINT64_MAX;
		}
		before = seqs[n - 1];
	}
	buf_free(&room);
	return newest;
}

bool job_claims(struct txn *t, const struct job *job, const struct entity *entity, uint64_t id)
{
	uint64_t newest = job_newest(t, job, entity, id);

	return newest && (newest == job->target || newest == job->operation);
}

/* One of those that it was asked to work on. */
static bool job_names(const struct job *job, const struct entity *entity, uint64_t id)
{
	for (uint64_t i = 0; job->entity == entity->number && i < job->nnamed; i++)
		if (get_be64(job->named.data + i * 8) == id)
			return true;
	return false;
}

static bool job_holds(
	struct txn *t, const struct job *job, const struct entity *entity, uint64_t id)
{
	return job_names(job, entity, id) || job_claims(t, job, entity, id);
}

static enum status busy(
	const struct job *job, const struct entity *entity, uint64_t id, struct error *e)
{
	error_reason(e, STATUS_BUSY, "job",
		"%s \"%llu\" is being changed by operation %llu: try again later", entity->name,
		(unsigned long long)id, (unsigned long long)job->operation);
	e->retry_ms = 1000;
	return STATUS_BUSY;
}

/* What the change would newly refer to. */
static enum status guard_references(struct txn *t, const struct job *job,
	const struct entity *entity, struct bytes before, struct bytes after, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	struct bytes rest = after;
	struct wire_field w;

	while (record_next(&rest, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		const struct entity *to;
		uint64_t id;

		if (!f || w.tag >= TAG_EXTERNAL_ID ||
			bytes_equal(record_run(before, w.tag), record_run(after, w.tag)))
			continue;
		to = reference_target(schema, f, w.number, &id);
		if (to && job_holds(t, job, to, id))
			return busy(job, to, id, e);
	}
	return STATUS_OK;
}

enum status jobs_guard(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, uint64_t id, struct bytes before, struct bytes after,
	struct error *e)
{
	struct buf room = BUF_INIT;
	uint64_t operation = 0;
	struct job job;
	enum status s = STATUS_OK;

	while (!s && journal_running(t, operation, &operation)) {
		if (operation == author->operation || entity->number == ENTITY_OPERATION)
			continue;
		s = journal_read(t, operation, &room, &job, e);
		if (!s && id && job_holds(t, &job, entity, id))
			s = busy(&job, entity, id, e);
		if (!s)
			s = guard_references(t, &job, entity, before, after, e);
	}
	buf_free(&room);
	return s;
}
