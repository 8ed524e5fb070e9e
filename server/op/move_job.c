/*
 * Deleting and restoring more than one transaction holds, as jobs. What a deletion has put into the trash, as its operation lists it, is also the
 * list of what still has to be followed: so nothing but a number of the log is kept between its slices.
 */
#include "server/op/jobs.h"
#include "server/op/target.h"

#define CHECK_SLICE 200 /* records that a slice looks at */

struct move {
	struct call *call;
	struct job *job;
	struct model_write w;
	struct buf room;
	struct error *e;
};

static void move_open(struct move *m, struct call *c, struct job *job, struct error *e)
{
	*m = (struct move){ .call = c,
		.job = job,
		.w = { .txn = c->txn,
			.author = &c->author,
			.scope = &scope_all,
			.lookup = call_lookup(c),
			.entity = schema_entity_by_number(c->schema, (uint16_t)job->entity) },
		.e = e };
}

static enum status phase_ends(struct move *m, uint64_t next)
{
	m->job->phase = next;
	m->job->at = 0;
	return journal_write(m->call->txn, m->job, m->e);
}

/* Sessions of users must learn of it. */
static enum status has_moved(struct move *m)
{
	struct target t = { .call = m->call, .entity = m->w.entity };

	m->job->done++;
	return target_changed(&t, m->w.id, m->e);
}

/* Each deletion among the entries of the operation after job->at, until the slice is over; fn says by *more that the entry is not done with. */
typedef enum status move_fn(struct move *m, const struct slice *slice, bool *more);

static enum status each_deleted(struct move *m, uint64_t operation, move_fn *fn, bool *end)
{
	struct txn *t = m->call->txn;
	struct log_entry entry;
	enum status s = STATUS_OK;
	struct slice slice;
	bool more = false;
	uint64_t seq;

	slice_begin(&slice, t);
	*end = false;
	for (int i = 0; !s && !more && i < CHECK_SLICE && !slice_over(&slice); i++) {
		if (!log_of_operation(t, operation, m->job->at, &seq, 1)) {
			*end = true;
			return STATUS_OK;
		}
		s = log_read(t, seq, &entry, &m->room, NULL, m->e);
		if (!s && entry.kind == LOG_DELETE) {
			m->w.entity = schema_entity_by_number(m->call->schema, entry.entity);
			m->w.id = entry.id;
			s = m->w.entity ? fn(m, &slice, &more) : STATUS_OK;
		}
		if (!s && !more)
			m->job->at = seq;
	}
	return s;
}

static enum status slice_each(struct move *m, uint64_t operation, move_fn *fn, uint64_t next)
{
	bool end;
	enum status s = each_deleted(m, operation, fn, &end);

	if (s)
		return s;
	return end ? phase_ends(m, next) : journal_write(m->call->txn, m->job, m->e);
}

/* Each of the last phase; the job is done when none is left. */
static enum status slice_last(struct move *m, uint64_t operation, move_fn *fn)
{
	bool end;
	enum status s = each_deleted(m, operation, fn, &end);

	if (s)
		return s;
	return end ? journal_finish(m->call, m->job, JOB_DONE, m->e)
		   : journal_write(m->call->txn, m->job, m->e);
}

/* Deleting. */

static enum status gather(struct move *m, struct job_slice *how)
{
	struct job *job = m->job;
	struct error why;
	bool end = false;
	enum status s;

	if (how->gathered_for != job->operation)
		model_gathering_free(&how->gathered);
	how->gathered_for = job->operation;
	error_init(&why);
	s = model_gather(&m->w, job->named, CHECK_SLICE, &how->gathered, &job->total, &end, &why);
	job->checked = job->total;
	if (s || end)
		model_gathering_free(&how->gathered);
	if (s)
		s = job_refuse(m->call, job, s, &why, m->e);
	else
		s = end ? phase_ends(m, JOB_PHASE_CHANGE) : journal_write(m->call->txn, job, m->e);
	error_clear(&why);
	return s;
}

static enum status delete_roots(struct move *m)
{
	enum status s = STATUS_OK;
	bool moved;

	for (uint64_t i = 0; !s && i < m->job->nnamed; i++) {
		m->w.id = get_be64(m->job->named.data + i * 8);
		s = model_delete_one(&m->w, &moved, m->e);
		if (!s && moved)
			s = has_moved(m);
	}
	return s;
}

static enum status delete_children(struct move *m, const struct slice *slice, bool *more)
{
	enum status s = STATUS_OK;
	size_t n = CHECK_SLICE;

	while (!s && n == CHECK_SLICE && !slice_over(slice)) {
		s = model_delete_children(&m->w, CHECK_SLICE, &n, m->e);
		m->job->done += n;
	}
	*more = n == CHECK_SLICE;
	return s;
}

static enum status unused(struct move *m, const struct slice *slice, bool *more)
{
	return model_unused(&m->w, m->e);
}

enum status delete_job_slice(
	struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	struct move m;
	enum status s = STATUS_OK;

	move_open(&m, c, job, e);
	if (job->phase == JOB_PHASE_CHECK) {
		s = gather(&m, how);
	} else if (job->phase == JOB_PHASE_CHANGE) {
		if (!job->at)
			s = delete_roots(&m);
		if (!s)
			s = slice_each(&m, job->operation, delete_children, JOB_PHASE_SETTLE);
	} else {
		s = slice_last(&m, job->operation, unused);
	}
	buf_free(&m.room);
	return s;
}

/* Restoring. */

static enum status restorable(struct move *m, const struct slice *slice, bool *more)
{
	m->job->checked = ++m->job->total;
	return model_restorable(&m->w, m->job->target, m->e);
}

static enum status restore(struct move *m, const struct slice *slice, bool *more)
{
	enum status s = model_restore_one(&m->w, m->e);

	return s ? s : has_moved(m);
}

static enum status settle(struct move *m, const struct slice *slice, bool *more)
{
	return model_settle(m->w.txn, m->w.author, m->w.entity, m->w.id, m->e);
}

static enum status check_restore(struct move *m)
{
	struct error why, *given = m->e;
	enum status s;

	error_init(&why);
	m->e = &why;
	s = slice_each(m, m->job->target, restorable, JOB_PHASE_CHANGE);
	m->e = given;
	if (s)
		s = job_refuse(m->call, m->job, s, &why, given);
	error_clear(&why);
	return s;
}

enum status restore_job_slice(
	struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	struct move m;
	enum status s;

	move_open(&m, c, job, e);
	if (c->caller)
		m.w.scope = &c->caller->scope;
	if (job->phase == JOB_PHASE_CHECK)
		s = check_restore(&m);
	else if (job->phase == JOB_PHASE_CHANGE)
		s = slice_each(&m, job->target, restore, JOB_PHASE_SETTLE);
	else
		s = slice_last(&m, job->target, settle);
	buf_free(&m.room);
	return s;
}
