#include "server/call/feed.h"
#include "common/date.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/remind/inbox.h"
#include "server/server.h"

#define ROWS 64
#define ENTRIES 512 /* of the log looked at in one go */

/* The making of one event. */
struct making {
	struct call *call; /* holds arena, names */
	Guanxi__Event event;
	struct buf room;
};

void feed_start(struct feed *f, const struct call *c, struct txn *t)
{
	*f = (struct feed){ .reminders = c->watch_reminders, .changes = c->watch_changes };
	f->backlog = c->watch_from_unacknowledged;
	f->log = f->log_sent = f->backlog ? store_last_seq(c->server->store) : c->watch_since;
	if (!c->caller)
		return;
	/* a client from before the sweep begins anew: prev 0 tells it */
	if (c->watch_since < inbox_swept(t, c->caller->user))
		f->backlog = true;
	f->inbox = f->inbox_sent = f->backlog ? 0 : c->watch_since;
	f->backlog_until = inbox_last(t, c->caller->user);
}

static bool making_start(struct making *m, struct server *server, struct txn *t,
	const struct caller *caller, bool chinese)
{
	struct arena *arena = arena_new(REQUEST_CEILING);

	*m = (struct making){ .call = call_new(server, arena, NULL) };
	if (!m->call) {
		arena_free(&arena);
		return false;
	}
	m->call->caller = caller;
	m->call->txn = t;
	m->call->chinese = chinese;
	guanxi__event__init(&m->event);
	return true;
}

static void making_end(struct making *m)
{
	buf_free(&m->room);
	call_free(&m->call);
}

static void pack_event(Guanxi__Event *event, struct buf *out)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;

	frame.event = event;
	if (guanxi__frame__get_packed_size(&frame) > FRAME_MAX) {
		event->subject = NULL;
		event->n_name = 0;
	}
	frame_pack(&frame, out);
}

static void pack_made(struct making *m, struct buf *out)
{
	m->event.n_name = m->call->reply->n_name;
	m->event.name = m->call->reply->name;
	pack_event(&m->event, out);
}

static void set_text(ProtobufCBinaryData *to, protobuf_c_boolean *has, struct bytes text)
{
	*has = true;
	*to = pb_from(text);
}

/* The record as the caller may see it now; NULL when it may not. */
static Guanxi__Record *visible(
	struct making *m, const struct entity *entity, uint64_t id, bool trash, struct stored *s)
{
	struct call *c = m->call;
	struct scope scope = *caller_scope(c->caller, entity);

	scope.trash_too = trash;
	if (store_get(c->txn, &scope, entity, id, &m->room, s, NULL) != STATUS_OK)
		return NULL;
	return record_for(c, entity, s, NULL);
}

/* Only which record it is. */
static Guanxi__Record *bare(struct making *m, uint16_t entity, uint64_t id)
{
	Guanxi__Record *r = arena_alloc(m->call->arena, sizeof(*r));

	if (!r)
		return NULL;
	guanxi__record__init(r);
	r->entity = entity;
	r->id = id;
	return r;
}

static void add_title(struct making *m, const struct entity *entity, const struct stored *s)
{
	const struct field *f =
		entity->name_field ? entity_field_named(entity, entity->name_field) : NULL;

	if (f && !caller_masked(m->call->caller, entity, f, s->fields))
		set_text(&m->event.title, &m->event.has_title,
			arena_copy(m->call->arena, record_text(s->fields, f->tag)));
}

static void add_times(struct making *m, const struct feed *f, const struct inbox_row *row)
{
	Guanxi__Event *ev = &m->event;
	int64_t lag = g_get_real_time() - row->fired_real_us;
	struct buf date = BUF_INIT;

	ev->has_due_ms = ev->has_fired_ms = true;
	ev->due_ms = (uint64_t)row->due_ms;
	ev->fired_ms = (uint64_t)row->fired_ms;
	ev->has_late = row->late || row->seq <= f->backlog_until;
	ev->late = ev->has_late;
	ev->has_lag_us = lag >= 0;
	ev->lag_us = (uint64_t)MAX(lag, 0);
	if (row->occurrence) {
		date_format(row->occurrence, &date);
		set_text(&ev->occurrence, &ev->has_occurrence,
			arena_copy(m->call->arena, buf_bytes(&date)));
		buf_free(&date);
	}
}

static bool make_reminder(struct making *m, const struct feed *f, const struct inbox_row *row)
{
	const struct schema *schema = m->call->server->schema;
	const struct entity *entity = schema_entity_by_number(schema, ENTITY_REMINDER);
	const struct entity *about = schema_entity_by_number(schema, row->subject_entity);
	struct stored s;

	m->event.record = visible(m, entity, row->reminder, false, &s);
	if (!m->event.record)
		return false;
	add_title(m, entity, &s);
	add_times(m, f, row);
	if (about && row->subject_id)
		m->event.subject = visible(m, about, row->subject_id, false, &s);
	return true;
}

/* True when a frame was appended. */
static bool add_row(struct feed *f, struct making *m, const struct inbox_row *row, struct buf *out)
{
	bool cleared = row->kind == INBOX_CLEARED;

	if (cleared)
		m->event.record = bare(m, ENTITY_REMINDER, row->reminder);
	else if (row->acknowledged || !make_reminder(m, f, row))
		return false;
	if (!m->event.record)
		return false;
	set_text(&m->event.kind, &m->event.has_kind, bytes_str(cleared ? "cleared" : "reminder"));
	m->event.has_seq = m->event.has_prev = true;
	m->event.seq = row->seq;
	m->event.prev = f->inbox_sent;
	pack_made(m, out);
	f->inbox_sent = row->seq;
	return true;
}

static bool next_reminders(struct feed *f, struct server *server, struct txn *t,
	const struct caller *caller, bool chinese, size_t max, struct buf *out)
{
	struct inbox_row rows[ROWS];
	size_t most = MIN(max, ROWS);
	size_t n = inbox_read(t, caller->user, f->inbox, f->backlog, rows, most);
	bool full = n == most, end = f->backlog && !full;

	/* behind the backlog everything is news, also what clears a row of it */
	while (f->backlog && n > 0 && rows[n - 1].seq > f->backlog_until) {
		end = true;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		struct making m;

		f->inbox = rows[i].seq;
		if (!making_start(&m, server, t, caller, chinese))
			continue;
		add_row(f, &m, &rows[i], out);
		making_end(&m);
	}
	if (end) {
		f->inbox = MAX(f->inbox, f->backlog_until);
		f->backlog = false;
	}
	return full || end;
}

static bool add_change(
	struct feed *f, struct making *m, const struct log_entry *entry, struct buf *out)
{
	const struct entity *entity =
		schema_entity_by_number(m->call->server->schema, entry->entity);
	struct stored s;

	if (!entity)
		return false;
	m->event.record = visible(m, entity, entry->id, true, &s);
	if (!m->event.record)
		return false;
	set_text(&m->event.kind, &m->event.has_kind, bytes_str("change"));
	m->event.has_seq = m->event.has_prev = m->event.has_operation = true;
	m->event.seq = entry->seq;
	m->event.prev = f->log_sent;
	m->event.operation = entry->operation;
	pack_made(m, out);
	f->log_sent = entry->seq;
	return true;
}

static bool next_changes(struct feed *f, struct server *server, struct txn *t,
	const struct caller *caller, bool chinese, size_t max, struct buf *out)
{
	uint64_t last = store_last_seq(server->store);
	struct buf room = BUF_INIT;
	size_t sent = 0;
	bool more = false;

	for (size_t looked = 0; !more && f->log < last; looked++) {
		struct log_entry entry;
		struct making m;

		more = sent == max || looked == ENTRIES;
		/* an entry that is not there is only not in this snapshot yet */
		if (more || log_read(t, f->log + 1, &entry, &room, NULL, NULL) != STATUS_OK)
			break;
		f->log++;
		entry.seq = f->log;
		if (!log_kind_is_change(entry.kind) ||
			!making_start(&m, server, t, caller, chinese))
			continue;
		sent += add_change(f, &m, &entry, out);
		making_end(&m);
	}
	buf_free(&room);
	return more;
}

bool feed_next(struct feed *f, struct server *server, struct txn *t, const struct caller *caller,
	bool chinese, size_t max, struct buf *out)
{
	bool more = false;

	if (f->reminders)
		more |= next_reminders(f, server, t, caller, chinese, max, out);
	if (f->changes)
		more |= next_changes(f, server, t, caller, chinese, max, out);
	return more;
}

void feed_heartbeat(struct buf *out)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	pack_event(&event, out);
}

void feed_closing(struct buf *out, const char *reason)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	set_text(&event.kind, &event.has_kind, bytes_str("closing"));
	set_text(&event.reason, &event.has_reason, bytes_str(reason));
	pack_event(&event, out);
}
