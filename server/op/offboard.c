/* A user leaves: the account is closed, its sessions end, and what it was in charge of goes to another one, all in one operation. */
#include "server/call/auth.h"
#include "server/call/rights.h"
#include "server/op/jobs.h"
#include "server/op/op.h"
#include "server/op/target.h"

#define STEP 20 /* records that a slice hands over before it looks at the time */

struct leaving {
	struct call *call;
	struct target t; /* users */
	uint64_t from, to;
	struct buf room;
	struct stored user; /* who leaves */
};

static enum status find_user(
	struct leaving *l, struct bytes text, const char *what, uint64_t *id, struct error *e)
{
	enum status s;

	if (!text.len)
		return error_set(e, STATUS_USAGE, "%s is missing", what);
	if (id_parse(text, id))
		return STATUS_OK;
	s = l->t.parse.reference(l->t.parse.arg, l->t.entity->name, text, id, e);
	return s;
}

static bool has_state(struct leaving *l, struct bytes fields, const char *code)
{
	uint64_t state = model_number(l->t.entity, fields, "state");

	return state && state == lookup_entry(call_lookup(l->call), "user_state", code);
}

static enum status check_successor(struct leaving *l, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored to;
	enum status s = store_get(l->call->txn, &scope_all, l->t.entity, l->to, &room, &to, e);

	if (!s && l->from == l->to)
		s = error_set(e, STATUS_USAGE, "nobody hands over to himself");
	if (!s && !has_state(l, to.fields, "active"))
		s = error_set(e, STATUS_CONFLICT, "the account that takes over is not active");
	buf_free(&room);
	return s;
}

static enum status leaving_open(struct leaving *l, struct call *c, struct error *e)
{
	enum status s;

	*l = (struct leaving){ .call = c };
	s = target_open_write(c, &l->t, e);
	if (!s && l->t.entity->number != ENTITY_USER)
		s = error_set(e, STATUS_USAGE, "only a user leaves");
	if (!s && c->request->n_record != 1)
		s = error_set(e, STATUS_USAGE, "one user");
	if (!s)
		s = find_user(l, pb_bytes(c->request->record[0]), "user", &l->from, e);
	if (!s)
		s = find_user(l, call_arg(c, "to"), "to", &l->to, e);
	if (!s && !c->request->reason.len)
		s = error_set(e, STATUS_USAGE, "reason is missing");
	if (!s && l->from == c->caller->user)
		s = error_set(e, STATUS_CONFLICT, "nobody closes his own account");
	if (!s)
		s = store_get(c->txn, &scope_all, l->t.entity, l->from, &l->room, &l->user, e);
	if (!s && has_state(l, l->user.fields, "left"))
		s = error_set(e, STATUS_CONFLICT, "the user has left already");
	return s ? s : check_successor(l, e);
}

/* As the server itself: who may close an account may hand over all that it had. */
static struct model_handover handover(struct call *c, uint64_t from, uint64_t to, civil_date today)
{
	return (struct model_handover){ .write = { .txn = c->txn,
						.author = &c->author,
						.scope = &scope_all,
						.lookup = call_lookup(c),
						.today = today },
		.from = from,
		.to = to };
}

static enum status close_account(struct leaving *l, struct error *e)
{
	struct call *c = l->call;
	const struct entity *en = l->t.entity;
	struct model_write w = target_write(&l->t, &l->user, l->from);
	struct buf patch = BUF_INIT, fields = BUF_INIT, checked = BUF_INIT;
	enum status s;

	record_add_number(&patch, entity_field_named(en, "state")->tag,
		lookup_entry(call_lookup(c), "user_state", "left"));
	record_add_number(&patch, entity_field_named(en, "left_on")->tag, (uint64_t)l->t.today);
	record_merge(l->user.fields, buf_bytes(&patch), NULL, 0, &fields);
	s = model_check(&w, buf_bytes(&fields), &checked, e);
	if (!s)
		s = store_put(
			c->txn, &c->author, en, &l->from, "set", buf_bytes(&checked), NULL, e);
	if (!s)
		s = session_end_others(c->txn, l->from, 0, e);
	if (!s)
		s = auth_epoch_bump(c->txn, l->from, e);
	c->close_sessions_of_user = true;
	c->close_user = l->from;
	buf_free(&patch);
	buf_free(&fields);
	buf_free(&checked);
	return s;
}

static enum status reply_count(struct call *c, const char *name, uint64_t n, struct error *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return reply_value(c, name, bytes_str(text), e);
}

/* Values of the reply: the entities of what goes over, and how many. */
static enum status count_all(struct leaving *l, uint64_t *count, struct error *e)
{
	struct call *c = l->call;
	struct model_handover h = handover(c, l->from, l->to, l->t.today);
	enum status s = STATUS_OK;
	uint64_t place = 0, before = 0;
	size_t entity = 0, now;
	bool end = false;

	h.only_count = true;
	*count = 0;
	while (!s && !end) {
		uint64_t all = *count;
		s = model_hand_over(&h, &place, 1, &all, &end, e);
		now = model_hand_over_entity(place);
		if (!s && (now != entity || end) && *count > before) {
			s = reply_count(c, schema_at(c->schema, entity)->name, *count - before, e);
			before = *count;
		}
		entity = now;
		*count = all;
	}
	return s;
}

static enum status hand_over_later(struct leaving *l, struct error *e)
{
	struct job job = { .kind = JOB_OFFBOARD, .entity = ENTITY_USER, .phase = JOB_PHASE_CHANGE };
	struct buf named = BUF_INIT;
	enum status s;

	buf_add_u64(&named, l->from);
	buf_add_u64(&named, l->to);
	job.named = buf_bytes(&named);
	job.nnamed = 1;
	s = job_begin(l->call, &job, e);
	buf_free(&named);
	return s;
}

static enum status leave(struct leaving *l, struct error *e)
{
	struct call *c = l->call;
	struct model_handover h = handover(c, l->from, l->to, l->t.today);
	uint64_t count = 0, place = 0;
	bool end;
	enum status s = count_all(l, &count, e);

	c->reply->has_count = true;
	c->reply->count = count;
	if (s || c->request->dry_run)
		return s;
	s = target_operation(&l->t, e);
	if (!s)
		s = close_account(l, e);
	if (!s && count > CHANGE_AT_ONCE)
		return hand_over_later(l, e);
	return s ? s : model_hand_over(&h, &place, SIZE_MAX, &count, &end, e);
}

static enum status user_offboard(struct call *c, struct error *e)
{
	struct leaving l;
	enum status s = leaving_open(&l, c, e);

	if (!s)
		s = leave(&l, e);
	buf_free(&l.room);
	return s;
}

enum status offboard_job_slice(
	struct call *c, struct job *job, struct job_slice *how, struct error *e)
{
	uint64_t from = get_be64(job->named.data), to = get_be64(job->named.data + 8);
	const struct zone *zone = c->caller ? c->caller->zone : NULL;
	struct model_handover h = handover(c, from, to, zone_date(zone, c->now_ms));
	enum status s = STATUS_OK;
	struct slice slice;
	bool end = false;

	slice_begin(&slice, c->txn);
	while (!s && !end && !slice_over(&slice))
		s = model_hand_over(&h, &job->at, STEP, &job->done, &end, e);
	if (s)
		return s;
	return end ? journal_finish(c, job, JOB_DONE, e) : journal_write(c->txn, job, e);
}

const struct op offboard_ops[] = {
	{ .name = "user.offboard",
		.kind = OP_WRITE,
		.run = user_offboard,
		.right = "user.offboard" },
	{ 0 },
};
