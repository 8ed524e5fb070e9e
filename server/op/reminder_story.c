/* The whole story of one reminder, for proof: made, fired, sent to which session, put off, acknowledged by whom, handed on. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/model/computed.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/remind/inbox.h"
#include "server/remind/whom.h"
#include "server/server.h"
#include <glib.h>

#define STORY_MAX 400 /* what is told, the latest */
#define ENTRIES 64
#define SENT_MAX 64 /* sessions of one user for one firing */
#define USERS_MAX 32

struct story {
	struct target t;
	struct stored record;
	struct buf state;          /* the record as it stood after the entry at hand */
	uint64_t users[USERS_MAX]; /* in whose inboxes it may have been */
	size_t nusers;
	struct {
		uint64_t seq;
		int64_t time_ms;
	} fired[STORY_MAX];
	size_t nfired;
};

static void add_user(struct story *s, uint64_t user)
{
	for (size_t i = 0; i < s->nusers; i++)
		if (s->users[i] == user)
			return;
	if (user && s->nusers < USERS_MAX)
		s->users[s->nusers++] = user;
}

static Guanxi__Change *add(struct story *s, const char *kind, uint64_t seq, int64_t time_ms,
	uint64_t user, struct error *e)
{
	struct call *c = s->t.call;
	Guanxi__Change *ch = arena_alloc(c->arena, sizeof *ch);

	if (!ch || c->reply->n_change >= STORY_MAX)
		return NULL;
	guanxi__change__init(ch);
	ch->seq = seq;
	ch->time_ms = (uint64_t)time_ms;
	ch->has_user = user != 0;
	ch->user = user;
	ch->kind = pb_from(bytes_str(kind));
	c->reply->change[c->reply->n_change++] = ch;
	if (user && reply_name(c, model_entity(c->txn, ENTITY_USER), user, e))
		return NULL;
	return ch;
}

static uint64_t field_of(const struct story *s, const char *name)
{
	return model_number(s->t.entity, buf_bytes(&s->state), name);
}

static bool touched(const struct story *s, const struct log_body *body, const char *name)
{
	const struct field *f = entity_field_named(s->t.entity, name);

	for (size_t i = 0; f && i < body->ntags; i++)
		if (body->tags[i] == f->tag)
			return true;
	return false;
}

static bool state_was(const struct story *s, const char *key)
{
	return field_of(s, "state") == entry_id(s->t.call->txn, key);
}

/* What a change of the record meant; NULL: a firing, which has an entry of its own. */
static const char *meaning(
	const struct story *s, const struct log_entry *entry, const struct log_body *body)
{
	if (entry->kind == LOG_ADD)
		return model_text(s->t.entity, buf_bytes(&s->state), "source_rule").len ? "made"
											: "planned";
	if (entry->kind != LOG_SET)
		return log_kind_name(entry->kind);
	if (touched(s, body, "snoozed_until") && state_was(s, "reminder_state.snoozed"))
		return "snoozed";
	if (touched(s, body, "acknowledged_at"))
		return "acknowledged";
	if (touched(s, body, "last_fired_at"))
		return NULL;
	if (touched(s, body, "state") && state_was(s, "reminder_state.finished"))
		return "finished";
	return touched(s, body, "user") ? "handed on" : "set";
}

static void note_fired(struct story *s, const struct log_entry *entry)
{
	if (s->nfired == STORY_MAX)
		return;
	s->fired[s->nfired].seq = entry->seq;
	s->fired[s->nfired++].time_ms = entry->time_ms;
}

static void story_entry(struct story *s, const struct log_entry *entry, const struct log_body *body,
	struct error *e)
{
	struct bytes why = arena_copy(s->t.call->arena, body->reason);
	Guanxi__Change *ch = NULL;
	const char *kind;

	add_user(s, field_of(s, "user"));
	if (entry->kind == LOG_FIRED) {
		note_fired(s, entry);
		ch = add(s, "fired", entry->seq, entry->time_ms, field_of(s, "user"), e);
	} else if (log_kind_is_change(entry->kind) && (kind = meaning(s, entry, body))) {
		ch = add(s, kind, entry->seq, entry->time_ms, entry->user, e);
		add_user(s, field_of(s, "acknowledged_by"));
	}
	if (!ch)
		return;
	ch->operation = entry->operation;
	ch->version = entry->version;
	ch->has_session = entry->session != 0;
	ch->session = entry->session;
	ch->has_reason = why.len > 0;
	ch->reason = pb_from(why);
}

static enum status story_log(struct story *s, struct error *e)
{
	struct txn *t = s->t.call->txn;
	uint64_t seqs[ENTRIES], before = 0;
	struct buf room = BUF_INIT, older = BUF_INIT;
	enum status st = STATUS_OK;
	size_t n;

	while (!st && s->t.call->reply->n_change < STORY_MAX / 2 &&
		(n = log_of_record(t, s->t.entity, s->record.id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; i < n && !st; i++) {
			struct log_entry entry;
			struct log_body body = { 0 };
			st = log_read(t, seqs[i], &entry, &room, &body, e);
			if (st)
				break;
			story_entry(s, &entry, &body, e);
			if (!log_kind_is_change(entry.kind))
				continue;
			buf_clear(&older);
			record_merge(
				buf_bytes(&s->state), body.before, body.tags, body.ntags, &older);
			buf_clear(&s->state);
			buf_add_bytes(&s->state, buf_bytes(&older));
		}
		before = seqs[n - 1];
	}
	buf_free(&room);
	buf_free(&older);
	return st;
}

/* Where each firing was sent: what stands in the inboxes of those whom it may have been addressed to. */
static void story_sent(struct story *s, struct error *e)
{
	struct call *c = s->t.call;
	struct inbox_sent sent[SENT_MAX];
	struct inbox_row row;

	for (size_t i = 0; i < s->nfired; i++)
		for (size_t u = 0; u < s->nusers; u++) {
			uint64_t seq = s->fired[i].seq, user = s->users[u];
			if (inbox_read(c->txn, user, seq - 1, false, &row, 1) != 1 ||
				row.seq != seq || row.reminder != s->record.id)
				continue;
			Guanxi__Change *ch = add(s, "waits", seq, row.fired_ms, user, e);
			if (ch) {
				ch->has_due_ms = ch->has_late = true;
				ch->due_ms = (uint64_t)row.due_ms;
				ch->late = row.late;
			}
			for (size_t k = inbox_sent_of(c->txn, user, seq, sent, SENT_MAX);
				k-- > 0;) {
				ch = add(s, sent[k].session ? "sent" : "mailed", seq, sent[k].at_ms,
					user, e);
				if (!ch)
					continue;
				ch->has_session = sent[k].session != 0;
				ch->session = sent[k].session;
			}
		}
}

static int rank(const Guanxi__Change *ch)
{
	static const char *const order[] = { "fired", "waits", "mailed", "sent" };

	for (int i = 0; i < 4; i++)
		if (bytes_equal_str(pb_bytes(ch->kind), order[i]))
			return i;
	return -1;
}

static int compare(const void *a, const void *b)
{
	const Guanxi__Change *x = *(Guanxi__Change *const *)a, *y = *(Guanxi__Change *const *)b;

	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return rank(x) - rank(y);
}

static enum status story_open(struct call *c, struct story *s, struct buf *room, struct error *e)
{
	struct bytes text =
		c->request->n_record ? pb_bytes(c->request->record[0]) : bytes_of("", 0);
	uint64_t id;
	bool mine = text_number(text, &id) && inbox_newest(c->txn, c->caller->user, id) > 0;
	enum status st = target_open(c, &s->t, e);

	if (!st && s->t.entity->number != ENTITY_REMINDER)
		st = error_set(e, STATUS_USAGE, "only reminders have a story");
	s->t.scope.trash_too = true;
	if (!st && mine)
		s->t.scope = scope_all;
	if (!st && !mine)
		st = target_id(&s->t, 0, &id, e);
	if (!st)
		st = target_read(&s->t, id, room, &s->record, e);
	return st;
}

static enum status op_audit(struct call *c, struct error *e)
{
	struct story *s = arena_calloc(c->arena, 1, sizeof *s);
	struct buf room = BUF_INIT;
	uint64_t lent[USERS_MAX];
	enum status st;

	c->reply->change = arena_calloc(c->arena, STORY_MAX, sizeof *c->reply->change);
	if (!s || !c->reply->change)
		return error_set(e, STATUS_INVALID, "reply too large");
	st = story_open(c, s, &room, e);
	if (!st) {
		buf_add_bytes(&s->state, s->record.fields);
		for (size_t n = inbox_lent(c->txn, s->record.id, lent, USERS_MAX); n-- > 0;)
			add_user(s, lent[n]);
		st = story_log(s, e);
	}
	for (size_t i = 0, n = s->nusers; i < n; i++)
		add_user(s, whom_stand_in(c->txn, s->users[i], c->now_ms));
	if (!st)
		story_sent(s, e);
	if (!st)
		qsort(c->reply->change, c->reply->n_change, sizeof *c->reply->change, compare);
	buf_free(&s->state);
	buf_free(&room);
	return st;
}

const struct op story_ops[] = {
	{ .name = "reminder.audit", .kind = OP_SLOW, .run = op_audit },
	{ 0 },
};
