#include "server/call/feed.h"
#include "common/date.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/server.h"

#define ROWS 64
#define FLOOD 500                            /* more than these are not sent again, only counted */
#define FRESH_MS ((int64_t)24 * 3600 * 1000) /* but what fired since is sent, however much */

/* The making of one event. */
struct making {
	struct call *call; /* holds arena, names */
	Guanxi__Event event;
	struct buf room;
};

/* Whoever was away for long gets the newest of what waits, and how much there is besides. */
static void skip_oldest(struct feed *f, struct txn *t, uint64_t user, int64_t now)
{
	struct inbox_row *rows = g_new(struct inbox_row, FLOOD + 1);

	if (inbox_waiting(t, user, rows, FLOOD + 1) > FLOOD &&
		rows[FLOOD].fired_ms < now - FRESH_MS) {
		f->inbox = rows[FLOOD].seq;
		f->missed = inbox_count_of(t, user) - FLOOD;
	}
	g_free(rows);
}

/* Whether more came since than is sent one by one. */
static bool flooded(struct txn *t, uint64_t user, uint64_t since, int64_t now)
{
	struct inbox_row *rows = g_new(struct inbox_row, FLOOD + 1);
	bool much = inbox_read(t, user, since, false, rows, FLOOD + 1) > FLOOD &&
		    rows[FLOOD].fired_ms < now - FRESH_MS;

	g_free(rows);
	return much;
}

void feed_start(struct feed *f, const struct call *c, struct txn *t)
{
	*f = (struct feed){ .backlog = c->watch_from_unacknowledged };
	if (!c->caller)
		return;
	/* a client from before the sweep begins anew: prev 0 tells it */
	if (c->watch_since < inbox_swept(t, c->caller->user) ||
		(!f->backlog && flooded(t, c->caller->user, c->watch_since, c->now_ms)))
		f->backlog = true;
	f->inbox = f->inbox_sent = f->backlog ? 0 : c->watch_since;
	f->backlog_until = inbox_last(t, c->caller->user);
	if (f->backlog)
		skip_oldest(f, t, c->caller->user, c->now_ms);
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
	call_bind(m->call, t);
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

/* A reminder that waits in the caller's own inbox may be of somebody for whom the caller stands in. */
static bool addressed(const struct call *c, const struct entity *entity, uint64_t id)
{
	return entity->number == ENTITY_REMINDER && inbox_newest(c->txn, c->caller->user, id) > 0;
}

/* The record as the caller may see it now; NULL when it may not. */
static Guanxi__Record *visible(
	struct making *m, const struct entity *entity, uint64_t id, struct stored *s)
{
	struct call *c = m->call;
	struct scope scope =
		addressed(c, entity, id) ? scope_all : *caller_scope(c->caller, entity);

	scope.trash_too = false;
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
	const struct schema *schema = m->call->schema;
	const struct entity *entity = schema_entity_by_number(schema, ENTITY_REMINDER);
	const struct entity *about = schema_entity_by_number(schema, row->subject_entity);
	struct stored s;

	m->event.record = visible(m, entity, row->reminder, &s);
	if (!m->event.record)
		return false;
	add_title(m, entity, &s);
	add_times(m, f, row);
	if (about && row->subject_id)
		m->event.subject = visible(m, about, row->subject_id, &s);
	return true;
}

/* One range while no row is passed over between. */
static void note_sent(
	struct feed *f, const struct caller *caller, uint64_t seq, int64_t now, GArray *sent)
{
	struct inbox_sent *last =
		sent->len ? &g_array_index(sent, struct inbox_sent, sent->len - 1) : NULL;
	struct inbox_sent fresh = { caller->user, caller->session, seq, seq, now };

	if (last && f->unbroken && last->user == caller->user && last->session == caller->session)
		last->to = seq;
	else
		g_array_append_val(sent, fresh);
	f->unbroken = true;
}

/* False: it was passed over. */
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

static void feed_missed(struct feed *f, struct buf *out)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	if (!f->missed)
		return;
	set_text(&event.kind, &event.has_kind, bytes_str("missed"));
	event.has_missed = true;
	event.missed = f->missed;
	pack_event(&event, out);
	f->missed = 0;
}

bool feed_next(struct feed *f, struct server *server, struct txn *t, const struct caller *caller,
	bool chinese, size_t max, struct buf *out, GArray *sent)
{
	struct inbox_row rows[ROWS];
	size_t most = MIN(max, ROWS);
	size_t n = inbox_read(t, caller->user, f->inbox, f->backlog, rows, most);
	bool full = n == most, end = f->backlog && !full;

	feed_missed(f, out);
	f->unbroken = false;
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
		if (add_row(f, &m, &rows[i], out))
			note_sent(f, caller, rows[i].seq, m.call->now_ms, sent);
		else
			f->unbroken = false;
		making_end(&m);
	}
	if (end) {
		f->inbox = MAX(f->inbox, f->backlog_until);
		f->backlog = false;
	}
	return full || end;
}

enum status feed_write_sent(struct call *c, struct error *e)
{
	const GArray *sent = c->prepared;

	return inbox_note_sent(c->txn, (const struct inbox_sent *)(const void *)sent->data,
		sent->len, c->now_ms, e);
}

void feed_alarm(struct buf *out, const char *text)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	set_text(&event.kind, &event.has_kind, bytes_str("alarm"));
	set_text(&event.reason, &event.has_reason, bytes_str(text));
	pack_event(&event, out);
}

void feed_heartbeat(struct buf *out)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	pack_event(&event, out);
}

void feed_schema(const struct server *server, uint64_t *told, struct buf *out)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;
	struct generation *g = store_generation(server->store);

	if (generation_number(g) != *told) {
		*told = generation_number(g);
		set_text(&event.kind, &event.has_kind, bytes_str("schema"));
		set_text(&event.schema_hash, &event.has_schema_hash,
			schema_hash(generation_schema(g)));
		event.has_dictionary_generation = true;
		event.dictionary_generation = *told;
		pack_event(&event, out);
	}
	generation_give(&g);
}

void feed_closing(struct buf *out, const char *reason)
{
	Guanxi__Event event = GUANXI__EVENT__INIT;

	set_text(&event.kind, &event.has_kind, bytes_str("closing"));
	set_text(&event.reason, &event.has_reason, bytes_str(reason));
	pack_event(&event, out);
}
