/* Merging two records of one entity; one to which more refers than one transaction holds goes by a job. */
#include "server/call/rights.h"
#include "server/op/jobs.h"
#include "server/op/op.h"
#include "server/op/target.h"

#define TAKE_MAX 256
#define STEP 50 /* references that a slice moves before it looks at the time */

/* Fields named by the arguments "take": values of the record that goes. */
static enum status take_args(struct target *t, uint32_t *tags, size_t *n, struct error *e)
{
	const Guanxi__Request *r = t->call->request;
	enum status worst = STATUS_OK;

	for (size_t i = 0; i < r->n_arg; i++) {
		const struct field *f;
		if (!bytes_equal(pb_bytes(r->arg[i]->name), bytes_str("take")))
			continue;
		f = target_field(t, pb_bytes(r->arg[i]->value), e);
		if (f && f->flags & (F_COMPUTED | F_VIRTUAL | F_READONLY)) {
			error_field(e, f->name, "is set by the server");
			f = NULL;
		}
		if (!f || *n == TAKE_MAX)
			worst = STATUS_INVALID;
		else
			tags[(*n)++] = f->tag;
	}
	return worst;
}

static enum status read_pair(
	struct target *t, struct buf rooms[2], struct stored pair[2], struct error *e)
{
	enum status s = STATUS_OK;
	uint64_t id;

	if (t->call->request->n_record != 2)
		return error_set(e, STATUS_USAGE, "two records: the one that stays and the other");
	for (size_t i = 0; !s && i < 2; i++) {
		s = target_id(t, i, &id, e);
		if (!s)
			s = target_read(t, id, &rooms[i], &pair[i], e);
	}
	return s;
}

/* named: the one that stays, the other, then the tags of what is taken from that. */
static enum status merge_later(struct target *t, const struct model_merge *m, struct error *e)
{
	struct job job = { .kind = JOB_MERGE, .entity = t->entity->number };
	struct buf named = BUF_INIT;
	enum status s;

	buf_add_u64(&named, m->write.id);
	buf_add_u64(&named, m->other->id);
	for (size_t i = 0; i < m->ntake; i++)
		buf_add_u64(&named, m->take[i]);
	job.named = buf_bytes(&named);
	job.nnamed = 2;
	job.phase = JOB_PHASE_CHANGE;
	s = job_begin(t->call, &job, e);
	buf_free(&named);
	return s;
}

static enum status merge_step(
	struct call *c, struct job *job, const struct model_merge *m, struct error *e)
{
	enum status s = STATUS_OK;
	struct slice slice;
	bool end = false;

	slice_begin(&slice, c->txn);
	while (!s && !end && !slice_over(&slice))
		s = model_merge_move(m, &job->at, STEP, &job->done, &end, e);
	if (!s && end)
		job->phase = JOB_PHASE_SETTLE;
	return s ? s : journal_write(c->txn, job, e);
}

/* The target of the job's first record, as who asked for it sees it; one who has no account any more began when he did. */
static struct model_merge merge_of(
	struct call *c, struct job *job, struct target *t, struct stored pair[2])
{
	struct model_merge m = { .other = &pair[1] };

	*t = (struct target){ .call = c,
		.entity = schema_entity_by_number(c->schema, (uint16_t)job->entity),
		.scope = c->caller ? c->caller->scope : scope_all };
	m.write = target_write(t, &pair[0], get_be64(job->named.data));
	return m;
}

enum status merge_job_slice(struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	struct buf rooms[2] = { BUF_INIT, BUF_INIT };
	struct stored pair[2];
	uint32_t take[TAKE_MAX];
	struct target t;
	struct model_merge m = merge_of(c, job, &t, pair);
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < 2; i++)
		s = store_get(c->txn, &scope_all, t.entity, get_be64(job->named.data + i * 8),
			&rooms[i], &pair[i], e);
	for (size_t i = 2; i < job->named.len / 8 && m.ntake < TAKE_MAX; i++)
		take[m.ntake++] = (uint32_t)get_be64(job->named.data + i * 8);
	m.take = take;
	if (!s && job->phase == JOB_PHASE_SETTLE) {
		s = model_merge_end(&m, e);
		if (!s)
			s = journal_finish(c, job, JOB_DONE, e);
	} else if (!s) {
		s = merge_step(c, job, &m, e);
	}
	buf_free(&rooms[0]);
	buf_free(&rooms[1]);
	return s;
}

static enum status record_merge_two(struct call *c, struct error *e)
{
	struct target t;
	struct buf rooms[2] = { BUF_INIT, BUF_INIT };
	struct stored pair[2];
	uint32_t take[TAKE_MAX];
	uint64_t count = 0;
	size_t ntake = 0;
	enum status s = target_open_write(c, &t, e);

	t.scope.trash_too = false;
	if (!s)
		s = read_pair(&t, rooms, pair, e);
	if (!s)
		s = take_args(&t, take, &ntake, e);
	if (!s)
		s = target_operation(&t, e);
	if (!s) {
		struct model_merge m = { .write = target_write(&t, &pair[0], pair[0].id),
			.other = &pair[1],
			.take = take,
			.ntake = ntake };
		size_t most = c->request->dry_run ? SIZE_MAX - 1 : CHANGE_AT_ONCE;
		s = model_merge(&m, most, &count, e);
		if (!s && count > most) {
			s = merge_later(&t, &m, e);
			count = 0;
		}
	}
	if (!s)
		s = target_reply(&t, pair[0].id, e);
	c->reply->has_count = true;
	c->reply->count = count;
	buf_free(&rooms[0]);
	buf_free(&rooms[1]);
	return s;
}

const struct op merge_ops[] = {
	{ .name = "record.merge", .kind = OP_WRITE, .run = record_merge_two, .right = "%s.merge" },
	{ 0 },
};
