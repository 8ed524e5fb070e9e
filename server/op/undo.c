/* Taking an operation back. */
#include "server/op/undo.h"
#include "common/record.h"
#include "server/call/rights.h"
#include "server/op/jobs.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"

#define ENTRIES 64
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define CHECK_SLICE 500 /* entries that a slice of a job looks at */

struct undo {
	struct call *call;
	struct job job;  /* operation 0: taken back at once */
	long days;       /* in which it may be taken back */
	struct buf room; /* of entries */
	struct buf record_room;
};

static const struct entity *undo_entity(const struct undo *u, const struct log_entry *entry)
{
	return schema_entity_by_number(u->call->schema, entry->entity);
}

static enum status undo_allowed(
	const struct undo *u, const struct log_entry *entry, struct error *e)
{
	const struct call *c = u->call;

	if (entry->user != c->caller->user && !c->caller->admin)
		return error_set(e, STATUS_NOT_FOUND, "there is no operation \"%llu\"",
			(unsigned long long)u->job.target);
	if ((int64_t)c->now_ms - entry->time_ms > u->days * DAY_MS)
		return error_set(e, STATUS_CONFLICT, "operation is older than %ld days", u->days);
	return STATUS_OK;
}

/* Whether the newest change of a record belongs to the operation. */
static bool in_operation(struct undo *u, const struct entity *entity, uint64_t id)
{
	return job_claims(u->call->txn, &u->job, entity, id);
}

/* Whether the caller sees the record, in the trash or not. One who has no account any more has begun when all of it was to be seen. */
static bool undo_visible(const struct undo *u, const struct entity *entity, uint64_t id)
{
	struct scope scope;

	if (!u->call->caller)
		return true;
	scope = u->call->caller->scope;
	scope.trash_too = true;
	return store_visible(u->call->txn, &scope, entity, id);
}

static enum status refers(struct undo *u, const struct entity *en, uint64_t from,
	const struct entity *target, uint64_t id, struct error *e)
{
	if (!undo_visible(u, en, from))
		return error_set(e, STATUS_CONFLICT, "a %s of others refers to %s \"%llu\"",
			en->name, target->name, (unsigned long long)id);
	return error_set(e, STATUS_CONFLICT, "%s \"%llu\" refers to %s \"%llu\"", en->name,
		(unsigned long long)from, target->name, (unsigned long long)id);
}

/* What was added later and refers by this field to a record that the undo takes away. */
static enum status unreferenced_by(struct undo *u, const struct entity *en, const struct field *f,
	const struct entity *target, uint64_t id, struct error *e)
{
	const struct scope present = { .all = true };
	struct buf wire = BUF_INIT;
	uint64_t ids[ENTRIES], after = 0;
	size_t n;

	record_add_number(&wire, f->tag, reference_value(f, target, id));
	while ((n = store_find_equal(u->call->txn, en, f, buf_bytes(&wire), after, ids, ENTRIES)) >
		0) {
		for (size_t i = 0; i < n; i++)
			if (store_visible(u->call->txn, &present, en, ids[i]) &&
				!in_operation(u, en, ids[i])) {
				buf_free(&wire);
				return refers(u, en, ids[i], target, id, e);
			}
		after = ids[n - 1];
	}
	buf_free(&wire);
	return STATUS_OK;
}

static enum status undo_unreferenced(
	struct undo *u, const struct entity *target, uint64_t id, struct error *e)
{
	const struct schema *schema = u->call->schema;
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; !s && k < en->nfields; k++) {
			const struct field *f = &en->fields[k];
			if (f->flags & F_INDEXED && f->tag < TAG_EXTERNAL_ID &&
				reference_value(f, target, id))
				s = unreferenced_by(u, en, f, target, id, e);
		}
	}
	return s;
}

static enum status undo_unknown(const struct undo *u, struct error *e)
{
	return error_set(e, STATUS_NOT_FOUND, "there is no operation \"%llu\"",
		(unsigned long long)u->job.target);
}

static enum status changed_since(
	struct undo *u, const struct entity *entity, uint64_t id, struct error *e)
{
	uint64_t later = job_newest(u->call->txn, &u->job, entity, id);

	if (later == UINT64_MAX)
		return error_set(e, STATUS_CONFLICT, "%s \"%llu\" changed since", entity->name,
			(unsigned long long)id);
	return error_set(e, STATUS_CONFLICT, "%s \"%llu\" changed since, by operation %llu",
		entity->name, (unsigned long long)id, (unsigned long long)later);
}

static enum status taken_since(struct undo *u, const struct entity *entity, const struct field *f,
	uint64_t id, uint64_t other, struct error *e)
{
	if (!undo_visible(u, entity, other))
		return error_set(e, STATUS_CONFLICT,
			"%s of %s \"%llu\" is taken by another %s by now", f->name, entity->name,
			(unsigned long long)id, entity->name);
	return error_set(e, STATUS_CONFLICT, "%s of %s \"%llu\" is taken by %s \"%llu\" by now",
		f->name, entity->name, (unsigned long long)id, entity->name,
		(unsigned long long)other);
}

static enum status gone_for_good(const struct entity *entity, uint64_t id, struct error *e)
{
	return error_set(e, STATUS_CONFLICT, "%s \"%llu\" has left the trash for good",
		entity->name, (unsigned long long)id);
}

/* What the record referred to before must still be there. */
static enum status undo_check_references(
	struct undo *u, const struct entity *entity, struct bytes before, struct error *e)
{
	struct wire_field w;

	while (record_next(&before, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		const struct entity *to;
		uint64_t id;

		if (!f || !w.number)
			continue;
		to = reference_target(u->call->schema, f, w.number, &id);
		if (to && !store_visible(u->call->txn, &scope_all, to, id))
			return gone_for_good(to, id, e);
	}
	return STATUS_OK;
}

/* The record with the entry taken out of it. */
static enum status undo_image(struct undo *u, const struct entity *entity,
	const struct log_entry *entry, const struct log_body *body, struct buf *out,
	struct error *e)
{
	struct stored record;
	struct buf patch = BUF_INIT;
	enum status s =
		store_get(u->call->txn, &scope_all, entity, entry->id, &u->record_room, &record, e);

	if (s == STATUS_NOT_FOUND)
		return gone_for_good(entity, entry->id, e);
	if (s)
		return s;
	if (entry->kind == LOG_ADD) {
		record_add_signed(&patch, TAG_DELETED_AT, u->call->now_ms);
		record_add_number(&patch, TAG_DELETED_BY, u->call->author.user);
		record_merge(record.fields, buf_bytes(&patch), NULL, 0, out);
	} else if (!body->ntags) {
		s = error_set(e, STATUS_CONFLICT, "%s \"%llu\": what stood before was erased",
			entity->name, (unsigned long long)entry->id);
	} else {
		record_merge(record.fields, body->before, body->tags, body->ntags, out);
	}
	buf_free(&patch);
	return s;
}

/* A unique value that comes back with the entry may be another record's by now, which the operation did not give it to. */
static enum status undo_check_unique(struct undo *u, const struct entity *entity,
	const struct log_entry *entry, const struct log_body *body, struct error *e)
{
	struct buf image = BUF_INIT;
	enum status s = undo_image(u, entity, entry, body, &image, e);
	bool live = !record_has(buf_bytes(&image), TAG_DELETED_AT);

	for (size_t i = 0; !s && live && i < entity->nfields; i++) {
		const struct field *f = &entity->fields[i];
		uint64_t other =
			store_unique_holder(u->call->txn, entity, f, entry->id, buf_bytes(&image));
		if (!other || in_operation(u, entity, other))
			continue;
		s = taken_since(u, entity, f, entry->id, other, e);
	}
	buf_free(&image);
	return s;
}

static bool gives_values_back(const struct entity *entity, const struct log_body *body)
{
	for (size_t i = 0; i < body->ntags; i++) {
		const struct field *f = entity_field_by_tag(entity, body->tags[i]);
		if (body->tags[i] == TAG_DELETED_AT || (f && f->flags & F_UNIQUE))
			return true;
	}
	return false;
}

/* The newest change of the record must belong to the operation. */
static enum status undo_check_entry(struct undo *u, uint64_t seq, struct error *e)
{
	struct log_entry entry;
	struct log_body body = { 0 };
	const struct entity *entity;
	enum status s = log_read(u->call->txn, seq, &entry, &u->room, &body, e);

	if (!s)
		s = undo_allowed(u, &entry, e);
	if (s || !log_kind_is_change(entry.kind))
		return s;
	entity = undo_entity(u, &entry);
	if (!entity)
		return error_set(e, STATUS_CONFLICT, "operation cannot be taken back");
	if (entry.kind == LOG_ADD && entity->flags & E_FINAL)
		return error_set(e, STATUS_CONFLICT,
			"a %s is never taken back: a further one corrects it", entity->name);
	if (!in_operation(u, entity, entry.id) && !undo_visible(u, entity, entry.id))
		return undo_unknown(u, e);
	if (!in_operation(u, entity, entry.id))
		return changed_since(u, entity, entry.id, e);
	if (entry.kind == LOG_ADD)
		return undo_unreferenced(u, entity, entry.id, e);
	s = undo_check_references(u, entity, body.before, e);
	if (!s && gives_values_back(entity, &body))
		s = undo_check_unique(u, entity, &entry, &body, e);
	return s;
}

/* Computed fields are no part of what is put. */
static void entered_only(const struct entity *entity, struct bytes record, struct buf *out)
{
	struct wire_field w;

	while (record_next(&record, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		if (!f || !(f->flags & (F_COMPUTED | F_VIRTUAL)))
			buf_add_bytes(out, w.whole);
	}
}

static enum status undo_entry(struct undo *u, uint64_t seq, struct error *e)
{
	struct call *c = u->call;
	struct log_entry entry;
	struct log_body body = { 0 };
	struct buf image = BUF_INIT, entered = BUF_INIT;
	const struct entity *entity;
	enum status s = log_read(c->txn, seq, &entry, &u->room, &body, e);

	if (s || !log_kind_is_change(entry.kind))
		return s;
	entity = undo_entity(u, &entry);
	s = undo_image(u, entity, &entry, &body, &image, e);
	if (!s) {
		entered_only(entity, buf_bytes(&image), &entered);
		s = store_put(c->txn, &c->author, entity, &entry.id, "undo", buf_bytes(&entered),
			NULL, e);
		if (s == STATUS_DUPLICATE)
			s = error_set(e, STATUS_CONFLICT,
				"%s \"%llu\": a value of it is another's by now", entity->name,
				(unsigned long long)entry.id);
	}
	if (!s && (entity->number == ENTITY_USER || entity->number == ENTITY_ROLE))
		s = auth_epoch_bump(c->txn, entity->number == ENTITY_USER ? entry.id : 0, e);
	u->job.done++;
	buf_free(&image);
	buf_free(&entered);
	return s;
}

/* When all stand again: what must hold among them. What is still another's was not the operation's to give away. */
static enum status undo_settle(struct undo *u, uint64_t seq, struct error *e)
{
	struct call *c = u->call;
	struct log_entry entry;
	enum status s = log_read(c->txn, seq, &entry, &u->room, NULL, e);

	if (s || !log_kind_is_change(entry.kind))
		return s;
	if (!undo_visible(u, undo_entity(u, &entry), entry.id))
		return undo_unknown(u, e);
	return model_settle(c->txn, &c->author, undo_entity(u, &entry), entry.id, e);
}

/* All entries, before the first is taken back. */
static enum status undo_check(struct undo *u, struct error *e)
{
	uint64_t seqs[ENTRIES], after = 0;
	enum status s = STATUS_OK;
	size_t n;

	while (!s &&
		(n = log_of_operation(u->call->txn, u->job.target, after, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !s && i < n; i++)
			s = undo_check_entry(u, seqs[i], e);
		after = seqs[n - 1];
	}
	return s;
}

/* What the journal says of the operation after it was taken back, or after that was. */
static enum status mark_target(
	struct undo *u, uint64_t target, enum job_state state, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = journal_read(u->call->txn, target, &room, &job, e);

	if (s == STATUS_NOT_FOUND)
		s = STATUS_OK;
	else if (!s)
		s = journal_finish(u->call, &job, state, e);
	if (!s && job.kind == JOB_UNDO && state == JOB_UNDONE)
		s = mark_target(u, job.target, JOB_DONE, e);
	buf_free(&room);
	return s;
}

static enum status undo_at_once(struct undo *u, struct error *e)
{
	struct call *c = u->call;
	uint64_t seqs[UNDO_AT_ONCE];
	size_t n = log_of_operation_back(c->txn, u->job.target, 0, seqs, UNDO_AT_ONCE);
	enum status s = store_operation(c->txn, &c->author.operation, e);

	u->job.kind = JOB_UNDO;
	u->job.operation = c->author.operation;
	for (size_t i = 0; !s && i < n; i++)
		s = undo_entry(u, seqs[i], e);
	for (size_t i = n; !s && i > 0; i--)
		s = undo_settle(u, seqs[i - 1], e);
	if (!s)
		s = mark_target(u, u->job.target, JOB_UNDONE, e);
	return s ? s : journal_note(c, &u->job, e);
}

static bool is_long(struct undo *u)
{
	uint64_t seqs[UNDO_AT_ONCE + 1];

	return log_of_operation(u->call->txn, u->job.target, 0, seqs, UNDO_AT_ONCE + 1) >
	       UNDO_AT_ONCE;
}

/* A job that works on the operation, or that is it. */
static enum status undo_free(struct undo *u, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	uint64_t operation = 0;
	enum status s = STATUS_OK;

	while (!s && journal_running(u->call->txn, operation, &operation)) {
		s = journal_read(u->call->txn, operation, &room, &job, e);
		if (!s && (operation == u->job.target || job.target == u->job.target)) {
			error_reason(e, STATUS_BUSY, "job",
				"operation %llu is not finished yet: try again later",
				(unsigned long long)operation);
			s = STATUS_BUSY;
		}
	}
	buf_free(&room);
	return s;
}

/* An import that was begun and brought nothing. */
static bool is_empty_import(struct undo *u)
{
	struct buf room = BUF_INIT;
	struct job job;
	bool empty = !journal_read(u->call->txn, u->job.target, &room, &job, NULL) &&
		     job.kind == JOB_IMPORT && job.user == u->call->caller->user;

	buf_free(&room);
	return empty;
}

/* A job that was refused has taken itself back. */
static enum status undo_stands(const struct undo *u, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = STATUS_OK;

	if (!journal_read(u->call->txn, u->job.target, &room, &job, NULL) &&
		job.state == JOB_REFUSED)
		s = error_set(e, STATUS_CONFLICT, "operation has changed nothing");
	buf_free(&room);
	return s;
}

/* The first entry says whose it is and of when: whether there is anything to begin with. */
static enum status undo_first(struct undo *u, struct error *e)
{
	struct log_entry entry;
	uint64_t seq;
	enum status s;

	if (!log_of_operation(u->call->txn, u->job.target, 0, &seq, 1))
		return is_empty_import(u) ? STATUS_OK : undo_unknown(u, e);
	s = log_read(u->call->txn, seq, &entry, &u->room, NULL, e);
	if (!s)
		s = undo_allowed(u, &entry, e);
	return s ? s : undo_stands(u, e);
}

/* An import that is still going on ends here: what is taken back is all of it. */
static enum status stop_import(struct undo *u, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = journal_read(u->call->txn, u->job.target, &room, &job, e);

	if (s == STATUS_NOT_FOUND)
		s = STATUS_OK;
	else if (!s && job.state == JOB_RUNNING)
		s = journal_finish(u->call, &job, JOB_PARTIAL, e);
	buf_free(&room);
	return s;
}

static enum status undo_begin(struct undo *u, struct error *e)
{
	enum status s = stop_import(u, e);

	u->job.kind = JOB_UNDO;
	return s ? s : job_begin(u->call, &u->job, e);
}

static enum status undo_run(struct undo *u, struct error *e)
{
	struct call *c = u->call;
	enum status s = undo_first(u, e);
	bool job = !s && !c->request->dry_run && is_long(u);

	if (!s)
		s = undo_free(u, e);
	if (!s && !job)
		s = undo_check(u, e);
	if (s || c->request->dry_run)
		return s;
	s = job ? undo_begin(u, e) : undo_at_once(u, e);
	c->reply->has_operation = c->reply->has_count = true;
	c->reply->operation = c->author.operation;
	c->reply->count = u->job.done;
	return s;
}

static enum status operation_undo(struct call *c, struct error *e)
{
	struct undo u = { .call = c };
	enum status s = STATUS_OK;

	u.days = lookup_setting_number(call_lookup(c), "undo.days");
	if (!call_arg_number(c, "operation", &u.job.target) || !u.job.target)
		s = error_set(e, STATUS_USAGE, "operation is not a number");
	if (!s)
		s = undo_run(&u, e);
	buf_free(&u.room);
	buf_free(&u.record_room);
	return s;
}

/* As a job. */

/* All of it is looked at before the first change; others meanwhile find it busy, so that what was found holds. */
static enum status slice_check(struct undo *u, struct error *e)
{
	struct job *job = &u->job;
	struct txn *t = u->call->txn;
	uint64_t seqs[CHECK_SLICE];
	size_t n = log_of_operation(t, job->target, job->at, seqs, CHECK_SLICE);
	struct error why;
	enum status s = STATUS_OK;

	error_init(&why);
	for (size_t i = 0; !s && i < n; i++)
		s = undo_check_entry(u, seqs[i], &why);
	if (s)
		s = job_refuse(u->call, job, s, &why, e);
	error_clear(&why);
	if (s || job->state != JOB_RUNNING)
		return s;
	job->total += n;
	job->checked = job->total;
	job->at = n ? seqs[n - 1] : 0;
	if (n < CHECK_SLICE) {
		job->at = 0;
		job->phase = JOB_PHASE_CHANGE;
	}
	return journal_write(t, job, e);
}

/* The newest entries of an operation before job->at, taken back; *end when none is left. */
static enum status slice_back(struct undo *u, uint64_t operation, bool *end, struct error *e)
{
	struct job *job = &u->job;
	struct txn *t = u->call->txn;
	uint64_t seqs[ENTRIES];
	enum status s = STATUS_OK;
	struct slice slice;
	size_t n;

	slice_begin(&slice, t);

	do {
		n = log_of_operation_back(t, operation, job->at, seqs, ENTRIES);
		for (size_t i = 0; !s && i < n; i++)
			s = undo_entry(u, seqs[i], e);
		if (n)
			job->at = seqs[n - 1];
	} while (!s && n == ENTRIES && !slice_over(&slice));
	*end = n < ENTRIES;
	return s;
}

static enum status slice_change(struct undo *u, struct error *e)
{
	struct job *job = &u->job;
	bool end;
	enum status s = slice_back(u, job->target, &end, e);

	if (s)
		return s;
	if (end) {
		job->phase = JOB_PHASE_SETTLE;
		job->at = 0;
	}
	return journal_write(u->call->txn, job, e);
}

/* When all stand again: what must hold among them. */
static enum status slice_settle(struct undo *u, struct error *e)
{
	struct job *job = &u->job;
	struct call *c = u->call;
	uint64_t seqs[CHECK_SLICE];
	size_t n = log_of_operation(c->txn, job->target, job->at, seqs, CHECK_SLICE);
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < n; i++)
		s = undo_settle(u, seqs[i], e);
	if (s)
		return s;
	if (n == CHECK_SLICE) {
		job->at = seqs[n - 1];
		return journal_write(c->txn, job, e);
	}
	s = mark_target(u, job->target, JOB_UNDONE, e);
	return s ? s : journal_finish(c, job, JOB_DONE, e);
}

/* Something failed that the check could not see: what is done is taken back, newest first. */
static enum status slice_return(struct undo *u, struct error *e)
{
	struct job *job = &u->job;
	bool end;
	enum status s = slice_back(u, job->operation, &end, e);

	if (s)
		return s;
	job->done = 0;
	return end ? journal_finish(u->call, job, JOB_REFUSED, e)
		   : journal_write(u->call->txn, job, e);
}

static enum status as_undo(struct call *c, struct job *job,
	enum status (*slice)(struct undo *u, struct error *e), struct error *e)
{
	struct undo u = { .call = c, .job = *job };
	enum status s;

	u.days = lookup_setting_number(call_lookup(c), "undo.days");
	s = slice(&u, e);
	*job = u.job;
	job->message = bytes_of("", 0);
	buf_free(&u.room);
	buf_free(&u.record_room);
	return s;
}

enum status undo_job_slice(struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	return as_undo(c, job,
		job->phase == JOB_PHASE_CHECK    ? slice_check
		: job->phase == JOB_PHASE_CHANGE ? slice_change
						 : slice_settle,
		e);
}

enum status undo_job_back(struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	return as_undo(c, job, slice_return, e);
}

const struct op undo_ops[] = {
	{ .name = "operation.undo", .kind = OP_WRITE, .run = operation_undo },
	{ 0 },
};
