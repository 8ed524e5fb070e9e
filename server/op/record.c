/* Adding, reading, changing, deleting and restoring records of any entity. */
#include "server/call/rights.h"
#include "server/op/at.h"
#include "server/op/conflict.h"
#include "server/op/duplicates.h"
#include "server/op/jobs.h"
#include "server/op/op.h"
#include "server/op/operation.h"
#include "server/op/rule.h"
#include "server/op/target.h"
#include "server/server.h"

#define RECORDS_MAX 1000

/* A record on its way to the store. */
struct change {
	struct target t;
	struct patch patch;
	struct buf room; /* the record before */
	struct stored before;
	struct buf whole;   /* before with the patch */
	struct buf checked; /* what model_check made of it */
};

static void change_close(struct change *ch)
{
	patch_free(&ch->patch);
	buf_free(&ch->room);
	buf_free(&ch->whole);
	buf_free(&ch->checked);
}

/* Parses and checks: all bad fields of both at once. */
static enum status change_check(
	struct change *ch, const struct stored *before, uint64_t id, struct error *e)
{
	struct model_write w = target_write(&ch->t, before, id);
	enum status parsed, s;

	ch->t.before = before;
	parsed = patch_parse(&ch->t, &ch->patch, e);
	if (parsed && parsed != STATUS_INVALID)
		return parsed;
	if (patch_authors(&ch->t, &ch->patch, before, e))
		parsed = STATUS_INVALID;
	record_merge(before ? before->fields : bytes_of("", 0), buf_bytes(&ch->patch.fields),
		ch->patch.cleared, ch->patch.ncleared, &ch->whole);
	s = model_check(&w, buf_bytes(&ch->whole), &ch->checked, e);
	if (!s && !parsed)
		s = duplicates_check(&ch->t, &w, buf_bytes(&ch->checked), e);
	if (!s && !parsed)
		s = rule_confirmed(&ch->t, before, buf_bytes(&ch->checked), e);
	return s ? s : parsed;
}

static enum status change_put(struct change *ch, uint64_t *id, const char *kind, struct error *e)
{
	struct call *c = ch->t.call;
	bool unchanged = false;
	enum status s = target_operation_joined(&ch->t, e);

	if (!s)
		s = store_put(c->txn, &c->author, ch->t.entity, id, kind, buf_bytes(&ch->checked),
			&unchanged, e);
	if (!s && unchanged)
		c->reply->operation = 0;
	if (!s && !unchanged)
		s = operation_bulk(&ch->t, JOB_SET, e);
	if (!s && !unchanged)
		s = target_changed(&ch->t, *id, e);
	return s;
}

static enum status record_add(struct call *c, struct error *e)
{
	struct change ch = { 0 };
	uint64_t id = 0;
	enum status s = target_open_write(c, &ch.t, e);

	if (!s)
		s = change_check(&ch, NULL, 0, e);
	if (!s && !c->request->dry_run)
		s = change_put(&ch, &id, "add", e);
	if (!s && !c->request->dry_run)
		s = target_reply(&ch.t, id, e);
	change_close(&ch);
	return s;
}

static enum status record_set(struct call *c, struct error *e)
{
	struct change ch = { 0 };
	uint64_t id;
	enum status s = target_open_write(c, &ch.t, e);

	if (!s && c->request->n_record > 1)
		s = error_set(e, STATUS_USAGE, "one record at a time");
	if (!s)
		s = target_id(&ch.t, 0, &id, e);
	if (!s)
		s = target_read(&ch.t, id, &ch.room, &ch.before, e);
	if (!s)
		s = change_check(&ch, &ch.before, ch.before.id, e);
	if (!s && c->request->has_if_version)
		s = conflict_check(&ch.t, &ch.before, c->request->if_version, &ch.patch, e);
	if (!s)
		s = change_put(&ch, &ch.before.id, "set", e);
	if (!s)
		s = target_reply(&ch.t, ch.before.id, e);
	c->reply->has_count = c->request->dry_run;
	c->reply->count = c->reply->operation != 0;
	change_close(&ch);
	return s;
}

/* One record as it stands, or stood. */
static enum status get_one(
	struct target *t, size_t i, int64_t at_ms, struct buf *room, struct error *e)
{
	struct buf then = BUF_INIT;
	struct stored record;
	uint64_t id;
	enum status s = target_id(t, i, &id, e);

	if (!s)
		s = t->entity->number == ENTITY_OPERATION ? operation_read(t, id, room, &record, e)
							  : target_read(t, id, room, &record, e);
	if (!s && at_ms)
		s = at_state(t, at_ms, &record, &then, e);
	if (!s)
		s = reply_record(t->call, t->entity, &record, e);
	buf_free(&then);
	return s;
}

static enum status record_get(struct call *c, struct error *e)
{
	struct target t;
	struct buf room = BUF_INIT;
	int64_t at_ms = 0;
	enum status s = target_open(c, &t, e);

	if (!s && (!c->request->n_record || c->request->n_record > RECORDS_MAX))
		s = error_set(e, STATUS_USAGE, "one to %d records", RECORDS_MAX);
	if (!s)
		s = at_read(&t, &at_ms, e);
	t.scope.trash_too = t.scope.trash_too || at_ms;
	for (size_t i = 0; !s && i < c->request->n_record; i++)
		s = get_one(&t, i, at_ms, &room, e);
	buf_free(&room);
	return s;
}

typedef enum status model_move(
	const struct model_write *w, size_t most, uint64_t *count, struct error *e);

/* All in the request's transaction: what joins an operation that its client drives, and what is thrown away. */
static bool at_once(const struct call *c, bool restore)
{
	return c->request->dry_run || call_arg(c, "operation").len || call_arg(c, "total").len ||
	       (restore && c->request->n_record > 1);
}

/* Deletes or restores one record with what belongs to it. *count grows by what moved; *job: that is too much, and nothing has. */
static enum status record_move(struct target *t, size_t i, model_move *move, uint64_t *count,
	uint64_t *job, struct error *e)
{
	size_t most = at_once(t->call, move == model_restore) ? SIZE_MAX - 1 : CHANGE_AT_ONCE;
	struct buf room = BUF_INIT;
	struct stored record;
	uint64_t id, n = 0;
	enum status s = target_id(t, i, &id, e);

	if (!s)
		s = store_get(t->call->txn, &t->scope, t->entity, id, &room, &record, e);
	if (!s && record.deleted == (move == model_delete))
		s = error_set(e, STATUS_CONFLICT, "%s \"%llu\" is %s the trash", t->entity->name,
			(unsigned long long)id, record.deleted ? "already in" : "not in");
	struct model_write w = target_write(t, &record, id);
	if (!s && move == model_restore)
		s = duplicates_check(t, &w, record.fields, e);
	if (!s)
		s = move(&w, most, &n, e); /* the writer throws away what a dry run does */
	if (!s && n > most) {
		*job = id;
		buf_free(&room);
		return STATUS_OK;
	}
	if (!s)
		s = target_changed(t, id, e);
	if (!s && move == model_restore)
		s = target_reply(t, id, e);
	*count += n;
	buf_free(&room);
	return s;
}

/* The records of the request from the i-th on, of which the first is id, go by a job of the server. */
static enum status move_later(
	struct target *t, size_t i, uint64_t id, bool restore, struct error *e)
{
	struct call *c = t->call;
	struct job job = { .kind = restore ? JOB_RESTORE : JOB_DELETE,
		.entity = t->entity->number };
	struct buf ids = BUF_INIT;
	enum status s = STATUS_OK;

	if (restore)
		job.target = model_deleted_by(c->txn, t->entity, id);
	buf_add_u64(&ids, id);
	while (!s && ++i < c->request->n_record) {
		s = target_id(t, i, &id, e);
		if (!s && !store_visible(c->txn, &t->scope, t->entity, id))
			s = error_set(e, STATUS_NOT_FOUND, "there is no %s \"%llu\"",
				t->entity->name, (unsigned long long)id);
		buf_add_u64(&ids, id);
	}
	job.named = buf_bytes(&ids);
	job.nnamed = ids.len / 8;
	if (!s)
		s = job_begin(c, &job, e);
	buf_free(&ids);
	return s;
}

static enum status record_moves(struct call *c, model_move *move, bool from_trash, struct error *e)
{
	struct target t;
	uint64_t count = 0, job = 0;
	enum status s = target_open_write(c, &t, e);

	if (s)
		return s;
	t.scope.trash_too = from_trash;
	if (!c->request->n_record || c->request->n_record > RECORDS_MAX)
		return error_set(e, STATUS_USAGE, "one to %d records", RECORDS_MAX);
	if (t.entity->flags & E_NO_DELETE)
		return error_set(e, STATUS_DENIED, "a %s is never deleted", t.entity->name);
	s = target_operation_joined(&t, e);
	for (size_t i = 0; !s && !job && i < c->request->n_record; i++) {
		s = record_move(&t, i, move, &count, &job, e);
		if (!s && job)
			s = move_later(&t, i, job, from_trash, e);
	}
	if (!s && !job && count && !from_trash)
		s = operation_bulk(&t, JOB_DELETE, e);
	c->reply->has_count = true;
	c->reply->count = count;
	return s;
}

static enum status record_delete(struct call *c, struct error *e)
{
	return record_moves(c, model_delete, false, e);
}

static enum status record_restore(struct call *c, struct error *e)
{
	return record_moves(c, model_restore, true, e);
}

const struct op record_ops[] = {
	{ .name = "record.add", .kind = OP_WRITE, .run = record_add, .right = "%s.add" },
	{ .name = "record.get", .kind = OP_READ, .run = record_get },
	{ .name = "record.set", .kind = OP_WRITE, .run = record_set, .right = "%s.change" },
	{ .name = "record.delete", .kind = OP_WRITE, .run = record_delete, .right = "%s.delete" },
	{ .name = "record.restore", .kind = OP_WRITE, .run = record_restore, .right = "%s.delete" },
	{ 0 },
};
