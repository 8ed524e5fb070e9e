/*
 * A session: one connection's frames. Hello, then requests in their order, replies as they come, events while it watches.
 *
 * Requests wait in a queue whose head goes on when it may: a read when no write of the session is open (unless unordered), a write when no
 * earlier write is still being prepared. A session with calls under way outlives its connection until they come back.
 */
#include "server/call/auth.h"
#include "server/call/dispatch.h"
#include "server/call/rights.h"
#include "server/log_line.h"
#include "server/net/worker.h"

#define OPEN_MAX 128      /* calls of one session */
#define ROUND_REQUESTS 64 /* taken per wake-up */
#define ROUND_US 2000     /* or this long */
#define OUTPUT_HIGH (1024u * 1024)
#define OUTPUT_LOW (256u * 1024)
#define EVENTS_HIGH (128u * 1024) /* a watcher's output above which events wait */
#define EVENTS_ROUND 64
#define REFUSALS_MAX 20 /* before login */

#define SECOND_US 1000000LL
#define FRAME_US (30 * SECOND_US)
#define STUCK_US (30 * SECOND_US)
#define GOODBYE_US (2 * SECOND_US)
#define BEAT_US (15 * SECOND_US)
#define SILENT_US (45 * SECOND_US)

struct session {
	struct worker *worker;
	struct session *next, *prev;
	struct stream *stream; /* NULL when the connection is gone */
	struct caller *caller; /* owned; NULL before login and on the local socket */
	GSList *old_callers;   /* in use by open calls perhaps */
	GQueue waiting;        /* struct pending, not started */
	GQueue open;           /* struct pending, started */
	unsigned writes, preparing;
	unsigned refusals;
	int64_t since_us; /* accepted, then handshake done, then end begun */
	int64_t frame_us; /* first byte of the frame that is not whole; 0 none */
	int64_t heard_us, beat_us;
	int64_t seen_ms; /* business time: last written down that the session was used */
	struct feed feed;
	uint64_t told; /* generation of the fields that the client knows of */
	uint8_t peer_key[32];
	bool has_peer_key, local, opened, greeted, chinese, watching, feeding, pumping, closing,
		end_idle;
	char address[ADDRESS_SIZE];
};

/* A request of a session. */
struct pending {
	struct session *session;
	struct call *call;
	const struct op *op; /* NULL: unknown */
	uint64_t id;
	bool write, preparing, unordered;
};

static void pump(struct session *s);
static void update_pause(struct session *s);

/* Who it is. */

static const struct caller *who(const struct session *s)
{
	return s->local ? s->worker->net->local : s->caller;
}

static void unwatch(struct session *s)
{
	if (!s->watching)
		return;
	s->watching = false;
	hub_remove(s->worker, s, who(s)->user);
}

/* Calls under way may still point to the old one. */
static void become(struct session *s, struct caller *caller)
{
	if (!s->caller && caller)
		atomic_fetch_sub(&s->worker->net->waiting, 1);
	if (s->caller && !caller)
		atomic_fetch_add(&s->worker->net->waiting, 1);
	if (s->caller && (!caller || caller->user != s->caller->user))
		unwatch(s);
	if (s->caller)
		s->old_callers = g_slist_prepend(s->old_callers, s->caller);
	s->caller = caller;
}

static void free_caller(void *p)
{
	struct caller *c = p;

	caller_free(&c);
}

static void drop_old_callers(struct session *s)
{
	if (s->open.length > 0 || s->waiting.length > 0)
		return;
	g_slist_free_full(s->old_callers, free_caller);
	s->old_callers = NULL;
}

bool session_is_of(const struct session *s, uint64_t user, uint64_t except, uint64_t only)
{
	return s->caller && s->caller->user == user &&
	       (only ? s->caller->session == only : s->caller->session != except);
}

/* Life and end. */

struct session *session_next(const struct session *s)
{
	return s->next;
}

static void unlink_session(struct session *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->worker->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

static void release(struct session *s)
{
	unlink_session(s);
	drop_old_callers(s);
	if (s->caller)
		caller_free(&s->caller);
	g_free(s);
}

static void drop_waiting(struct session *s)
{
	struct pending *p;

	while ((p = g_queue_pop_head(&s->waiting))) {
		call_free(&p->call);
		g_free(p);
	}
}

/* The connection is gone; the session goes too, now or when its last call comes back. */
static void gone(struct session *s)
{
	struct net *n = s->worker->net;

	unwatch(s);
	drop_waiting(s);
	if (!who(s))
		atomic_fetch_sub(&n->waiting, 1);
	atomic_fetch_sub(&n->connections, 1);
	if (!s->local)
		listen_forget(n, s->address);
	if (s->open.length == 0)
		release(s);
}

static void on_closed(void *arg, bool clean, const char *why)
{
	struct session *s = arg;

	if (s->frame_us)
		log_line(who(s) ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "cut",
			"address=%s user=%llu in=frame why=\"%s\"", s->address,
			(unsigned long long)(who(s) ? who(s)->user : 0), why);
	else
		/* whoever has not logged in must not be able to fill the log */
		log_line(clean || !who(s) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "closed",
			"address=%s user=%llu why=\"%s\"", s->address,
			(unsigned long long)(who(s) ? who(s)->user : 0), why);
	stream_free(&s->stream);
	gone(s);
}

static void say_goodbye(struct session *s)
{
	if (s->closing || !s->stream)
		return;
	s->closing = true;
	s->frame_us = 0;
	s->since_us = monotonic_us();
	unwatch(s);
	stream_close(s->stream);
}

void session_hang_up(struct session *s, const char *reason)
{
	if (s->closing || !s->stream)
		return;
	if (s->greeted)
		feed_closing(stream_output(s->stream), reason);
	say_goodbye(s);
}

void session_alarm(struct session *s, const char *text)
{
	if (s->watching && !s->closing && s->stream && who(s) && who(s)->admin)
		feed_alarm(stream_output(s->stream), text);
}

void session_hang_up_when_idle(struct session *s, const char *reason)
{
	if (s->open.length == 0 && s->waiting.length == 0)
		session_hang_up(s, reason);
	else
		s->end_idle = true;
}

void session_drop(struct session *s)
{
	if (s->stream) {
		stream_free(&s->stream);
		gone(s);
	}
}

/* Replies. */

static void send_reply(struct session *s, Guanxi__Reply *reply)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Reply shorter = GUANXI__REPLY__INIT;
	Guanxi__Status status = GUANXI__STATUS__INIT;

	frame.reply = reply;
	if (guanxi__frame__get_packed_size(&frame) > FRAME_MAX) {
		status.code = GUANXI__CODE__INVALID;
		status.has_message = true;
		status.message = pb_from(bytes_str("reply too large"));
		shorter.id = reply->id;
		shorter.status = &status;
		shorter.has_operation = reply->has_operation;
		shorter.operation = reply->operation;
		frame.reply = &shorter;
	}
	frame_pack(&frame, stream_output(s->stream));
}

static void refuse(
	struct session *s, uint64_t id, enum status code, const char *reason, const char *message)
{
	Guanxi__Reply reply = GUANXI__REPLY__INIT;
	Guanxi__Status status = GUANXI__STATUS__INIT;

	status.code = (Guanxi__Code)code;
	status.has_message = true;
	status.message = pb_from(bytes_str(message));
	status.has_reason = reason[0] != '\0';
	status.reason = pb_from(bytes_str(reason));
	reply.id = id;
	reply.status = &status;
	send_reply(s, &reply);
	if (!who(s))
		s->refusals++;
}

static void start_watching(struct session *s, const struct call *c)
{
	struct txn *t;

	if (!who(s) || worker_txn(s->worker, &t, NULL) != STATUS_OK)
		return;
	unwatch(s);
	feed_start(&s->feed, c, t);
	hub_add(s->worker, s, who(s)->user);
	s->watching = true;
	s->heard_us = s->beat_us = monotonic_us();
}

/* Before the first frame that may have been made with other fields than the client knows of. */
static void tell_schema(struct session *s)
{
	if (s->caller && s->greeted)
		feed_schema(s->worker->net->server, &s->told, stream_output(s->stream));
}

/* What the reply makes of the session. */
static void take_over(struct session *s, struct call *c)
{
	bool good = c->reply->status->code == GUANXI__CODE__OK;

	if (good && c->new_caller) {
		become(s, c->new_caller);
		c->new_caller = NULL;
		s->told = generation_number(c->generation);
	} else {
		tell_schema(s);
	}
	if (!good && !who(s))
		s->refusals++;
	send_reply(s, c->reply);
	if (good && c->watch_reminders) {
		start_watching(s, c);
		stream_tell_drained(s->stream, EVENTS_HIGH); /* feeds in the next round */
	}
	if ((good && c->close_after) || (s->refusals >= REFUSALS_MAX && !who(s)))
		say_goodbye(s);
}

static void finish(struct pending *p)
{
	struct session *s = p->session;

	g_queue_remove(&s->open, p);
	s->writes -= p->write;
	s->preparing -= p->preparing;
	if (s->stream && !s->closing)
		take_over(s, p->call);
	call_free(&p->call);
	g_free(p);
	drop_old_callers(s);
}

/* Back on the session's thread from the writer or the pool. */
static void come_back(void *arg)
{
	struct pending *p = arg;
	struct session *s = p->session;

	s->worker->read_fresh = false;
	finish(p);
	if (!s->stream) {
		if (s->open.length == 0)
			release(s);
		return;
	}
	pump(s);
	update_pause(s);
	if (s->end_idle)
		session_hang_up_when_idle(s, "server is stopping");
}

static void on_done(struct call *c, void *arg)
{
	struct pending *p = arg;

	if (loop_is_mine(p->session->worker->loop))
		finish(p);
	else
		loop_post(p->session->worker->loop, come_back, p);
}

/* Back from its preparation: now the writes after it may start, and stay behind it. */
static void go_on(void *arg)
{
	struct pending *p = arg;
	struct session *s = p->session;

	s->preparing -= p->preparing;
	p->preparing = false;
	dispatch_prepared(p->call); /* p may be gone */
	if (s->stream)
		pump(s);
	else if (s->open.length == 0)
		release(s);
}

static void on_prepared(struct call *c, void *arg)
{
	struct pending *p = arg;

	loop_post(p->session->worker->loop, go_on, p);
}

/* Starting calls. */

/* True when the caller stands as it is in the store; else it was read anew, or the session is over (false). */
static bool check_epoch(struct session *s, struct txn *t, struct error *e)
{
	struct caller *fresh;

	if (!s->caller || auth_epoch(t, s->caller->user) == s->caller->epoch)
		return true;
	if (caller_load(t, s->caller->user, s->caller->session, &fresh, e) != STATUS_OK)
		return false;
	become(s, fresh);
	return true;
}

/* A session in use does not grow idle, however long its connection lasts: an open watch pings. */
static void note_seen(struct session *s, const struct call *c)
{
	struct session_row row = { .seen_ms = s->seen_ms };

	if (!s->caller)
		return;
	row.user = s->caller->user;
	row.id = s->caller->session;
	session_touch_later(c->server, &row, c->now_ms);
	if (session_stale(&row, c->now_ms))
		s->seen_ms = c->now_ms;
}

static void start(struct session *s, struct pending *p)
{
	struct error e = { 0 };
	struct txn *t = NULL;

	g_queue_push_tail(&s->open, p);
	s->writes += p->write;
	s->preparing += p->preparing;
	if (worker_txn(s->worker, &t, &e) != STATUS_OK || !check_epoch(s, t, &e)) {
		bool over = e.status == STATUS_UNAUTHENTICATED;

		refuse(s, p->id, e.status ? e.status : STATUS_INTERNAL, e.reason, e.message);
		g_queue_remove(&s->open, p);
		s->writes -= p->write;
		s->preparing -= p->preparing;
		call_free(&p->call);
		g_free(p);
		if (over)
			say_goodbye(s);
	} else {
		p->call->caller = who(s);
		note_seen(s, p->call);
		dispatch_in_order(p->call, t, on_prepared, on_done, p);
	}
	error_clear(&e);
}

static bool may_start(const struct session *s, const struct pending *p)
{
	if (p->write)
		return s->preparing == 0;
	return s->writes == 0 || p->unordered;
}

static void pump(struct session *s)
{
	struct pending *p;

	if (s->pumping)
		return;
	s->pumping = true;
	while (!s->closing && (p = g_queue_peek_head(&s->waiting)) && may_start(s, p)) {
		g_queue_pop_head(&s->waiting);
		start(s, p);
	}
	s->pumping = false;
	if (s->closing)
		drop_waiting(s);
}

static bool has_id(const GQueue *q, uint64_t id)
{
	for (const GList *l = q->head; l; l = l->next)
		if (((const struct pending *)l->data)->id == id)
			return true;
	return false;
}

static void take_request(struct session *s, const Guanxi__Request *request, struct arena *arena)
{
	struct pending *p;
	struct call *c;

	if (has_id(&s->open, request->id) || has_id(&s->waiting, request->id)) {
		refuse(s, request->id, STATUS_USAGE, "request_id", "request id is in use");
		arena_free(&arena);
		return;
	}
	c = call_new(s->worker->net->server, arena, request);
	if (!c) {
		refuse(s, request->id, STATUS_INVALID, "", "request too large");
		arena_free(&arena);
		return;
	}
	p = g_new0(struct pending, 1);
	p->session = s;
	p->call = c;
	p->id = request->id;
	p->op = op_find(pb_bytes(request->op));
	p->write = p->op && p->op->kind == OP_WRITE;
	p->preparing = p->write && p->op->prepare;
	p->unordered = request->has_unordered && request->unordered;
	c->chinese = s->chinese;
	c->address = s->address;
	if (s->has_peer_key)
		c->peer_key = bytes_of(s->peer_key, sizeof(s->peer_key));
	g_queue_push_tail(&s->waiting, p);
	pump(s);
}

/* Frames. */

static void answer_hello(struct session *s, Guanxi__Status *status)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Hello hello = GUANXI__HELLO__INIT;

	hello.version = PROTOCOL_VERSION;
	hello.has_oldest = true;
	hello.oldest = PROTOCOL_VERSION > 1 ? PROTOCOL_VERSION - 1 : 1;
	hello.has_software = true;
	hello.software = pb_from(bytes_str("guanxid/" VERSION));
	hello.has_max_frame = true;
	hello.max_frame = FRAME_MAX;
	hello.status = status;
	frame.hello = &hello;
	frame_pack(&frame, stream_output(s->stream));
}

static void take_hello(struct session *s, const Guanxi__Hello *hello)
{
	unsigned oldest = PROTOCOL_VERSION > 1 ? PROTOCOL_VERSION - 1 : 1;
	unsigned theirs = hello->has_oldest ? hello->oldest : hello->version;
	Guanxi__Status status = GUANXI__STATUS__INIT;
	char message[160];

	s->chinese = bytes_equal_str(pb_bytes(hello->language), "zh");
	if (hello->version >= oldest && theirs <= PROTOCOL_VERSION) {
		s->greeted = true;
		answer_hello(s, NULL);
		return;
	}
	snprintf(message, sizeof(message),
		"no common protocol version: the client speaks %u to %u, the server %u to %u",
		theirs, hello->version, oldest, (unsigned)PROTOCOL_VERSION);
	status.code = GUANXI__CODE__USAGE;
	status.has_message = status.has_reason = true;
	status.message = pb_from(bytes_str(message));
	status.reason = pb_from(bytes_str("protocol_version"));
	answer_hello(s, &status);
	say_goodbye(s);
}

static void bad_frame(struct session *s, const char *why)
{
	log_line(who(s) ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "bad_frame",
		"address=%s user=%llu why=\"%s\"", s->address,
		(unsigned long long)(who(s) ? who(s)->user : 0), why);
	session_hang_up(s, why);
}

static void take_frame(struct session *s, struct bytes body)
{
	struct arena *arena = arena_new(REQUEST_CEILING);
	struct error e = { 0 };
	Guanxi__Frame *frame = frame_unpack(body, arena, &e);

	if (!frame)
		bad_frame(s, e.message);
	else if (!s->greeted && frame->hello)
		take_hello(s, frame->hello);
	else if (s->greeted && frame->request) {
		take_request(s, frame->request, arena);
		arena = NULL;
	} else
		bad_frame(s, s->greeted ? "not a request" : "not a hello");
	arena_free(&arena);
	error_clear(&e);
}

static bool may_take(const struct session *s)
{
	size_t calls = s->open.length + s->waiting.length;

	return !s->closing && !s->end_idle && calls < (who(s) ? OPEN_MAX : 1) &&
	       stream_pending(s->stream) < OUTPUT_HIGH;
}

static void update_pause(struct session *s)
{
	bool high;

	if (s->closing)
		return;
	high = stream_pending(s->stream) >= OUTPUT_HIGH;
	if (high)
		stream_tell_drained(s->stream, OUTPUT_LOW);
	stream_pause(s->stream, !may_take(s));
}

static void note_rest(struct session *s, size_t rest)
{
	/* a frame's time runs while we could take it, not while the session is held back */
	if (rest == 0 || !may_take(s))
		s->frame_us = 0;
	else if (s->frame_us == 0)
		s->frame_us = monotonic_us();
}

static size_t on_input(void *arg, struct bytes in)
{
	struct session *s = arg;
	size_t taken = 0, used;
	struct bytes body;

	s->heard_us = monotonic_us();
	s->worker->read_fresh = false;
	for (int n = 0; may_take(s); n++) {
		struct bytes rest = bytes_of(in.data + taken, in.len - taken);
		uint32_t max = who(s) ? FRAME_MAX : FRAME_MAX_BEFORE_LOGIN;
		enum frame_state state = frame_find(rest, max, &body, &used);

		if (state == FRAME_MORE)
			break;
		if (state == FRAME_BAD) {
			bad_frame(s, "frame is empty or too long");
			break;
		}
		if (n == ROUND_REQUESTS || (n > 0 && monotonic_us() - s->heard_us > ROUND_US)) {
			stream_again(s->stream);
			break;
		}
		taken += used;
		s->frame_us = 0;
		take_frame(s, body);
	}
	if (s->closing)
		return in.len;
	note_rest(s, in.len - taken);
	update_pause(s);
	return taken;
}

/* Events. */

void session_feed(struct session *s)
{
	struct error e = { 0 };
	struct txn *t;
	bool more;

	if (!s->watching || s->closing || !s->stream)
		return;
	if (stream_pending(s->stream) >= EVENTS_HIGH) {
		stream_tell_drained(s->stream, EVENTS_HIGH);
		return;
	}
	if (worker_txn(s->worker, &t, &e) != STATUS_OK) {
		error_clear(&e);
		return;
	}
	if (!check_epoch(s, t, &e)) {
		session_hang_up(s, e.message);
		error_clear(&e);
		return;
	}
	if (!s->watching)
		return;
	tell_schema(s);
	more = feed_next(&s->feed, s->worker->net->server, t, who(s), s->chinese, EVENTS_ROUND,
		stream_output(s->stream), s->worker->sent);
	if (more)
		stream_tell_drained(s->stream, EVENTS_HIGH);
}

static void on_drained(void *arg)
{
	struct session *s = arg;

	update_pause(s);
	session_feed(s);
}

static void tick_watcher(struct session *s, int64_t now)
{
	if (now - s->heard_us > SILENT_US) {
		session_hang_up(s, "silent for too long");
		return;
	}
	if (now - s->beat_us >= BEAT_US && stream_pending(s->stream) == 0) {
		s->beat_us = now;
		tell_schema(s);
		feed_heartbeat(stream_output(s->stream));
	}
}

void session_tick(struct session *s, int64_t now)
{
	const struct net *n = s->worker->net;

	if (!s->stream)
		return;
	if (s->closing && now - s->since_us > GOODBYE_US)
		stream_abort(s->stream, "no goodbye from the peer");
	else if (s->closing)
		return;
	else if (!s->opened && now - s->since_us > n->handshake_us)
		stream_abort(s->stream, "handshake too slow");
	else if (s->opened && !who(s) && s->open.length == 0 && now - s->since_us > n->login_us)
		session_hang_up(s, "not logged in in time");
	else if (s->frame_us && now - s->frame_us > FRAME_US)
		session_hang_up(s, "frame too slow");
	else if (stream_stuck(s->stream, now) > STUCK_US)
		stream_abort(s->stream, "peer does not read");
	else if (s->watching)
		tick_watcher(s, now);
}

/* Beginning. */

static void on_open(void *arg)
{
	struct session *s = arg;

	s->opened = true;
	s->since_us = monotonic_us();
	s->has_peer_key = stream_peer_key(s->stream, s->peer_key);
}

void session_accept(void *arg)
{
	static const struct stream_handler handler = {
		.open = on_open,
		.input = on_input,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct accepted *a = arg;
	struct session *s = g_new0(struct session, 1);

	s->worker = a->worker;
	s->local = a->local;
	s->since_us = monotonic_us();
	g_strlcpy(s->address, a->address, sizeof(s->address));
	g_queue_init(&s->waiting);
	g_queue_init(&s->open);
	s->next = a->worker->sessions;
	if (s->next)
		s->next->prev = s;
	a->worker->sessions = s;
	s->stream = stream_new(
		a->worker->streams, a->fd, a->local ? NULL : a->worker->tls, &handler, s);
	if (!s->stream)
		gone(s);
	else if (a->worker->stopping)
		say_goodbye(s);
	g_free(a);
}
