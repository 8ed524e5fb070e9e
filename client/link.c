#include "client/link.h"
#include "client/catalog.h"
#include "client/profile.h"
#include "client/request.h"
#include "common/clock.h"
#include "common/text.h"
#include <glib.h>

#define EARLY_MAX (FRAME_MAX_BEFORE_LOGIN - 64)

struct link {
	struct app *app;
	struct conn *conn;
	struct arena *arena; /* of the frame received last */
	struct buf schema_hash;
	uint64_t dictionaries;
	GQueue held; /* struct buf: bodies of replies that came while another one was waited for */
	struct buf *taken; /* the last of them that was handed out: replies point into it */
	const struct zone *zone;
	uint64_t last_id;
	uint64_t resume_id; /* awaited; 0: none */
	size_t open_writes;
	bool greeted;
	link_event *on_event;
	void *event_arg;
};

static void queue_hello(struct link *l)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Hello hello = GUANXI__HELLO__INIT;
	struct bytes hash = catalog_cached_hash(l->app);

	hello.version = PROTOCOL_VERSION;
	hello.has_software = true;
	hello.software = pb_from(bytes_str("guanxi/" VERSION));
	hello.has_language = true;
	hello.language = pb_from(bytes_str(l->app->chinese ? "zh" : "en"));
	hello.has_schema_hash = hash.len > 0;
	hello.schema_hash = pb_from(hash);
	frame.hello = &hello;
	conn_queue(l->conn, &frame);
}

static void queue_request(struct link *l, Guanxi__Request *r)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;

	r->id = ++l->last_id;
	frame.request = r;
	conn_queue(l->conn, &frame);
}

static enum status open_at(struct app *app, const char *server, const char *pin,
	const struct profile *identity, struct error *e)
{
	char host[256], port[8];
	struct conn_options o = {
		.host = host, .port = port, .pin = pin, .deadline_us = app->deadline_us
	};
	struct link *l;
	enum status st = address_parse(server, host, port, e);

	if (st)
		return st;
	if (identity) {
		o.key_pem = buf_bytes(&identity->key_pem);
		o.certificate_pem = buf_bytes(&identity->certificate_pem);
	}
	l = calloc(1, sizeof *l);
	if (!l)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	l->app = app;
	st = conn_open(&o, &l->conn, e);
	if (st) {
		free(l);
		return st;
	}
	l->arena = arena_new(LINK_REPLY_MAX);
	app->link = l;
	queue_hello(l);
	return STATUS_OK;
}

enum status link_open_stranger(
	struct app *app, const char *server, const char *pin, struct error *e)
{
	return open_at(app, server, pin, NULL, e);
}

const char *link_server(const struct app *app)
{
	const char *environment = getenv("GUANXI_SERVER");

	if (app->opt.server)
		return app->opt.server;
	if (environment && *environment)
		return environment;
	return app->profile->server;
}

enum status link_open(struct app *app, struct error *e)
{
	const struct profile *p = app->profile;
	const char *server = link_server(app);

	if (!server || !p->pin)
		return error_set(e, STATUS_UNAUTHENTICATED, "%s",
			app_tr(app, "not logged in; use 'guanxi join' or 'guanxi login'"));
	if (!p->token.len)
		return error_set(e, STATUS_UNAUTHENTICATED, "%s",
			app_tr(app, "not logged in; use 'guanxi login'"));
	enum status st = open_at(app, server, p->pin, p, e);
	if (st)
		return st;
	Guanxi__Request *r = request_bare(app->arena, bytes_str("session.resume"));
	request_arg(app->arena, r, "token", buf_bytes(&p->token));
	queue_request(app->link, r);
	app->link->resume_id = r->id;
	return STATUS_OK;
}

static void drop_held(void *body)
{
	if (body)
		buf_free(body);
	free(body);
}

void link_close(struct link **pl)
{
	struct link *l = *pl;

	if (!l)
		return;
	conn_close(&l->conn);
	arena_free(&l->arena);
	buf_free(&l->schema_hash);
	g_queue_clear_full(&l->held, drop_held);
	drop_held(l->taken);
	free(l);
	*pl = NULL;
}

const char *link_pin(const struct link *l)
{
	return conn_pin(l->conn);
}

struct bytes link_schema_hash(const struct link *l)
{
	return buf_bytes(&l->schema_hash);
}

uint64_t link_dictionaries(const struct link *l)
{
	return l->dictionaries;
}

const struct zone *link_zone(const struct link *l)
{
	return l ? l->zone : NULL;
}

void link_on_event(struct link *l, link_event *f, void *arg)
{
	l->on_event = f;
	l->event_arg = arg;
}

struct bytes answer_value(const Guanxi__Reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->n_value; i++)
		if (bytes_equal_str(pb_bytes(reply->value[i]->name), name))
			return pb_bytes(reply->value[i]->value);
	return (struct bytes){ 0 };
}

uint64_t answer_number(const Guanxi__Reply *reply, const char *name)
{
	uint64_t n = 0;

	return text_number(answer_value(reply, name), &n) ? n : 0;
}

const Guanxi__Reply *answer_keep(struct app *app, const Guanxi__Reply *reply)
{
	size_t len = guanxi__reply__get_packed_size(reply);
	uint8_t *bytes = arena_alloc(app->arena, len + 1);
	Guanxi__Reply *copy = NULL;

	if (bytes) {
		guanxi__reply__pack(reply, bytes);
		copy = guanxi__reply__unpack(arena_allocator(app->arena), len, bytes);
	}
	if (!copy)
		abort();
	return copy;
}

void link_logged_in(struct link *l, const Guanxi__Reply *reply)
{
	buf_clear(&l->schema_hash);
	buf_add_bytes(&l->schema_hash, answer_value(reply, "schema_hash"));
	if (!text_number(answer_value(reply, "dictionary_generation"), &l->dictionaries))
		l->dictionaries = 0;
	char *zone = bytes_dup(answer_value(reply, "time_zone"));
	l->zone = *zone ? zone_find(zone) : NULL;
	free(zone);
}

static void take_field_error(const Guanxi__FieldError *f, struct error *e)
{
	char *name = bytes_dup(pb_bytes(f->field));
	char *message = bytes_dup(pb_bytes(f->message));

	char *current = bytes_dup(pb_bytes(f->current));
	char *yours = bytes_dup(pb_bytes(f->yours));

	if (f->has_yours)
		error_conflict(e, name, current, yours);
	else if (f->has_current)
		error_candidate(e, name, current, "%s", message);
	else
		error_field(e, name, "%s", message);
	free(current);
	free(yours);
	free(name);
	free(message);
}

/* Every bad field in one sentence, when the server sent none. */
static void join_fields(struct error *e)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < e->nfields; i++)
		buf_printf(
			&text, "%s%s %s", i ? "; " : "", e->fields[i].field, e->fields[i].message);
	snprintf(e->message, sizeof e->message, "%s", buf_str(&text));
	buf_free(&text);
}

enum status link_status(const Guanxi__Status *status, struct error *e)
{
	struct bytes message = pb_bytes(status->message), reason = pb_bytes(status->reason);

	if (status->code == GUANXI__CODE__OK || !e)
		return (enum status)status->code;
	error_reason(e, (enum status)status->code, "", "%.*s", (int)message.len,
		message.data ? (const char *)message.data : "");
	snprintf(e->reason, sizeof e->reason, "%.*s", (int)reason.len,
		reason.data ? (const char *)reason.data : "");
	e->retry_ms = status->retry_ms;
	for (size_t i = 0; i < status->n_field; i++)
		take_field_error(status->field[i], e);
	if (!e->message[0])
		join_fields(e);
	e->status = (enum status)status->code;
	return e->status;
}

static bool op_writes(const Guanxi__Request *r)
{
	static const char *const writes[] = { "record.add", "record.set", "record.delete",
		"record.restore", "record.merge", "record.dial", "operation.undo",
		"operation.finish", "import.begin", "import.rows", "import.end", "session.password",
		"reminder.acknowledge", "reminder.snooze", "user.invite", "user.offboard" };

	for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
		if (bytes_equal_str(pb_bytes(r->op), writes[i]))
			return !r->dry_run;
	return false;
}

/* A write that was sent and not answered may stand or not. */
static enum status explain_loss(struct link *l, enum status st, struct error *e)
{
	if (st != STATUS_UNREACHABLE || !l->open_writes)
		return st;
	e->status = STATUS_OUTCOME_UNKNOWN;
	size_t len = strlen(e->message);
	snprintf(e->message + len, sizeof e->message - len, "%s",
		app_tr(l->app, "; the change may or may not stand: repeat it with the same "
			       "--idempotency-key, or look"));
	return STATUS_OUTCOME_UNKNOWN;
}

static enum status take_hello(struct link *l, const Guanxi__Frame *frame, struct error *e)
{
	if (!frame->hello)
		return error_set(e, STATUS_UNREACHABLE, "the server does not speak this protocol");
	l->greeted = true;
	return frame->hello->status ? link_status(frame->hello->status, e) : STATUS_OK;
}

/* What the server has said at login is no longer so. */
static void take_schema(struct link *l, const Guanxi__Event *event)
{
	buf_clear(&l->schema_hash);
	buf_add_bytes(&l->schema_hash, pb_bytes(event->schema_hash));
	l->dictionaries = event->dictionary_generation;
}

/* One frame: *reply stays NULL when it was a greeting, an event or the answer to resume. */
static enum status take_frame(
	struct link *l, struct bytes body, const Guanxi__Reply **reply, struct error *e)
{
	arena_reset(l->arena);
	Guanxi__Frame *frame = frame_unpack(body, l->arena, e);

	if (!frame) {
		error_prefix(e, "the server sent a bad frame");
		return e->status = STATUS_UNREACHABLE;
	}
	if (!l->greeted)
		return take_hello(l, frame, e);
	if (frame->event && frame->event->has_schema_hash)
		take_schema(l, frame->event);
	if (frame->event && l->on_event)
		l->on_event(l->event_arg, frame->event);
	if (!frame->reply)
		return STATUS_OK;
	if (l->app->opt.timing && frame->reply->status->has_server_us)
		fprintf(stderr, "server: %llu us\n",
			(unsigned long long)frame->reply->status->server_us);
	if (l->resume_id && frame->reply->id == l->resume_id) {
		l->resume_id = 0;
		link_logged_in(l, frame->reply);
		return link_status(frame->reply->status, e);
	}
	*reply = frame->reply;
	return STATUS_OK;
}

/* A reply to an earlier request, kept for whoever asks for the next one. */
static struct buf *packed(const Guanxi__Reply *reply)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	struct buf *body = calloc(1, sizeof *body);

	if (!body)
		abort();
	frame.reply = (Guanxi__Reply *)reply;
	frame_pack(&frame, body);
	return body;
}

static enum status take_held(struct link *l, const Guanxi__Reply **reply, struct error *e)
{
	struct buf *body = g_queue_pop_head(&l->held);
	struct bytes whole = buf_bytes(body);

	arena_reset(l->arena);
	Guanxi__Frame *frame = frame_unpack(
		bytes_of(whole.data + FRAME_HEADER, whole.len - FRAME_HEADER), l->arena, e);
	if (frame)
		*reply = frame->reply;
	l->taken = body;
	return frame ? STATUS_OK : e->status;
}

enum status link_step(
	struct link *l, int64_t until_us, const Guanxi__Reply **reply, struct error *e)
{
	struct bytes body;

	*reply = NULL;
	drop_held(l->taken);
	l->taken = NULL;
	if (!g_queue_is_empty(&l->held))
		return take_held(l, reply, e);
	enum status st = conn_receive(l->conn, until_us, &body, e);
	if (st)
		return explain_loss(l, st, e);
	st = take_frame(l, body, reply, e);
	if (*reply)
		l->open_writes -= l->open_writes > 0;
	return st;
}

enum status link_next(
	struct link *l, int64_t until_us, const Guanxi__Reply **reply, struct error *e)
{
	enum status st = STATUS_OK;

	*reply = NULL;
	while (!st && !*reply)
		st = link_step(l, until_us, reply, e);
	return st;
}

/* A long first request has to wait until the session is resumed: frames before that are short. */
static enum status wait_for_session(struct link *l, struct error *e)
{
	struct bytes body;
	const Guanxi__Reply *reply = NULL;

	while (l->resume_id) {
		enum status st = conn_receive(l->conn, 0, &body, e);

		if (!st)
			st = take_frame(l, body, &reply, e);
		if (st)
			return st;
	}
	return STATUS_OK;
}

enum status link_send(struct link *l, Guanxi__Request *r, struct error *e)
{
	if (l->resume_id && guanxi__request__get_packed_size(r) > EARLY_MAX) {
		enum status st = wait_for_session(l, e);

		if (st)
			return st;
	}
	if (guanxi__request__get_packed_size(r) + 16 > FRAME_MAX)
		return error_set(e, STATUS_INVALID, "%s",
			app_tr(l->app, "the request is longer than 256 KiB"));
	queue_request(l, r);
	l->open_writes += op_writes(r);
	return STATUS_OK;
}

/* The reply to one request; what else comes meanwhile is held back. */
static enum status wait_for(
	struct link *l, uint64_t id, const Guanxi__Reply **reply, struct error *e)
{
	GQueue before = l->held;
	enum status st = STATUS_OK;

	g_queue_init(&l->held);
	while (!st) {
		st = link_next(l, 0, reply, e);
		if (st || (*reply)->id == id)
			break;
		g_queue_push_tail(&before, packed(*reply));
	}
	l->held = before;
	return st ? st : link_status((*reply)->status, e);
}

enum status link_call(
	struct app *app, Guanxi__Request *r, const Guanxi__Reply **reply, struct error *e)
{
	enum status st = app->link ? STATUS_OK : link_open(app, e);

	if (!st)
		st = link_send(app->link, r, e);
	return st ? st : wait_for(app->link, r->id, reply, e);
}
