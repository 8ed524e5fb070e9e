/* watch: events as they come, for ever; the line may break and come back */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/event.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include "common/clock.h"
#include <poll.h>
#include <unistd.h>

#define PING_US (15 * 1000000ll)
#define ANSWER_US (30 * 1000000ll)
#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 30000

struct watch {
	struct app *app;
	struct error *e;
	enum status st; /* of printing */
	uint64_t last;  /* number of the last event; 0: none yet */
	uint64_t left;
	uint64_t gap; /* prev of an event that did not follow the one before */
	bool again;   /* and the watch begins anew from the last one */
	bool has_since;
	bool schema_changed;
	bool closing;
	bool connected; /* the server has accepted the watch */
	bool lost;      /* and it was said that the line is gone */
	char why[200];
};

/* Something between was not sent: the server is asked for it again, once for each gap. */
static bool is_gap(struct watch *w, const Guanxi__Event *event)
{
	if (!event->prev || !w->last || event->prev == w->last || event->prev == w->gap)
		return false;
	w->gap = event->prev;
	return true;
}

static void keep_reason(struct watch *w, const Guanxi__Event *event)
{
	struct bytes reason = pb_bytes(event->reason);

	w->closing = true;
	snprintf(w->why, sizeof w->why, "%.*s", (int)reason.len,
		reason.data ? (const char *)reason.data : "");
}

static void on_event(void *arg, const Guanxi__Event *event)
{
	struct watch *w = arg;
	struct bytes kind = pb_bytes(event->kind);

	if (bytes_equal_str(kind, "closing"))
		keep_reason(w, event);
	else if (bytes_equal_str(kind, "schema"))
		w->schema_changed = true;
	else if (bytes_equal_str(kind, "missed"))
		app_say(w->app, app_tr(w->app, "%llu older reminders wait too; see 'guanxi today'"),
			(unsigned long long)event->missed);
	else if (bytes_equal_str(kind, "alarm") && !w->st)
		w->st = event_alarm(w->app, event, w->e);
	if (!event->has_kind || !event->has_seq || event->seq <= w->last || !w->left || w->st ||
		w->again)
		return;
	if (bytes_equal_str(kind, "schema"))
		return;
	if (is_gap(w, event)) {
		w->again = true;
		return;
	}
	w->st = event_show(w->app, event, w->e);
	w->last = event->seq;
	w->has_since = true;
	w->left--;
}

static enum status start(struct watch *w, uint64_t *id, struct error *e)
{
	char number[24];
	enum status st = link_open(w->app, e);

	if (!st)
		st = catalog_greet(w->app, e);
	if (st)
		return st;
	link_on_event(w->app->link, on_event, w);
	Guanxi__Request *r = request_new(w->app, "watch");
	if (w->has_since) {
		snprintf(number, sizeof number, "%llu", (unsigned long long)w->last);
		request_arg(w->app->arena, r, "since", bytes_str(number));
	}
	st = link_send(w->app->link, r, e);
	*id = r->id;
	return st;
}

static enum status send_ping(struct watch *w, struct arena *arena, struct error *e)
{
	arena_reset(arena);
	return link_send(w->app->link, request_bare(arena, bytes_str("ping")), e);
}

static enum status take_answer(struct watch *w, const Guanxi__Reply *reply, struct error *e)
{
	if (reply->status->code != GUANXI__CODE__OK)
		return link_status(reply->status, e);
	app_say(w->app, "%s", app_tr(w->app, w->lost ? "connected again" : "watching"));
	w->lost = false;
	w->connected = true;
	return STATUS_OK;
}

/* Until the line is lost, enough events came, or the server refuses. */
static enum status follow(struct watch *w, struct arena *arena, struct error *e)
{
	const Guanxi__Reply *reply;
	uint64_t id = 0;
	enum status st = start(w, &id, e);
	int64_t heard = monotonic_us(), pinged = heard;

	while (!st && !w->st && w->left) {
		st = link_step(w->app->link, pinged + PING_US, &reply, e);
		if (st == STATUS_TIMEOUT && !(e->message[0])) {
			pinged = monotonic_us();
			if (pinged - heard > ANSWER_US)
				return error_set(e, STATUS_UNREACHABLE, "the server is silent");
			st = send_ping(w, arena, e);
			continue;
		}
		if (st)
			return st;
		if (w->again)
			return error_set(e, STATUS_UNREACHABLE, "an event is missing");
		heard = monotonic_us();
		if (reply && reply->id == id && take_answer(w, reply, e))
			return e->status;
		if (w->schema_changed) {
			w->schema_changed = false;
			st = catalog_fetch(w->app, e);
		}
	}
	return st;
}

static void pause_ms(unsigned ms)
{
	poll(NULL, 0, (int)ms);
}

static void say_lost(struct watch *w, const struct error *e)
{
	app_say(w->app, app_tr(w->app, "connection lost (%s); trying again"),
		w->closing && w->why[0] ? w->why : e->message);
	w->closing = false;
}

/* Comes back after a loss; gives up only when the server refuses the session. */
static enum status keep_following(struct watch *w, struct arena *arena, struct error *e)
{
	unsigned wait = 0;
	enum status st;

	for (;;) {
		st = follow(w, arena, e);
		if (w->st || !w->left || (st != STATUS_UNREACHABLE && st != STATUS_BUSY))
			return st;
		if (!w->connected)
			return st; /* never was there */
		if (!w->lost)
			say_lost(w, e);
		if (!wait || !w->lost)
			wait = BACKOFF_FIRST_MS;
		w->lost = true;
		w->again = false;
		error_clear(e);
		link_close(&w->app->link);
		pause_ms(wait);
		wait = wait * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait * 2;
	}
}

static enum status run_watch(struct app *app, struct error *e)
{
	struct error printing;
	struct watch w = { .app = app, .e = &printing, .left = UINT64_MAX };
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = option_number(app->opt.since, "since", UINT64_MAX, &w.last, e);
	if (!st)
		st = option_number(app->opt.count, "count", UINT64_MAX, &w.left, e);
	if (st || !w.left)
		return st;
	w.has_since = app->opt.since != NULL;
	error_init(&printing);
	struct arena *arena = arena_new(65536);
	st = keep_following(&w, arena, e);
	arena_free(&arena);
	if (w.st) {
		error_move(e, &printing);
		st = w.st;
	}
	return st;
}

const struct command cmd_watch = {
	.name = "watch",
	.usage = "",
	.options = "since count exec notify",
	.help = "print events as they come",
	.run = run_watch,
};
