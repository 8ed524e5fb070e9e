#include "server/watchdog.h"
#include "server/log_line.h"
#include "server/loop/loop.h"
#include "server/op/health.h"
#include "server/server.h"
#include <glib.h>

#define LOOK_MS 10000
#define SET_CLOCK_LOOK_MS 100 /* business time may jump by a file */

struct watchdog {
	struct server *server;
	struct event *timer;
	struct txn *txn; /* parked; of the loop's thread */
	bool late;       /* was told */
	size_t standing; /* how many sentences there were */
	bool looked;
};

static void tell(struct watchdog *w, const struct buf *text)
{
	const struct server *s = w->server;
	char *line = g_strndup((const char *)text->data, text->len > 2 ? text->len - 2 : 0);

	log_line(LOG_LEVEL_ERROR, "alarm", "what=\"%s\"", line);
	if (s->alarm)
		s->alarm(s->net, line);
	g_free(line);
}

/* Only when the scheduler does not get on: after a start or a jump of the clock much is late for a moment. */
static void look_late(struct watchdog *w)
{
	struct buf text = BUF_INIT;
	struct remind_state state = { 0 };
	int64_t now = clock_now(w->server->clock);

	if (reminders_stuck(w->server->reminders) &&
		!(w->txn ? txn_renew(w->txn, NULL)
			 : txn_begin(w->server->store, false, &w->txn, NULL))) {
		if (remind_state(w->txn, now, &state, NULL) == STATUS_OK)
			health_alarm_reminders(now, &state, &text);
		txn_reset(w->txn);
	}
	if (text.len && !w->late)
		tell(w, &text);
	w->late = text.len > 0;
	buf_free(&text);
}

static size_t count(const struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == ';';
	return n;
}

static void look_standing(struct watchdog *w)
{
	struct buf text = BUF_INIT;
	size_t n;

	health_alarm_standing(w->server, &text);
	n = count(&text);
	if (w->looked && n > w->standing)
		tell(w, &text);
	w->standing = n;
	w->looked = true;
	buf_free(&text);
}

static void sleep_again(struct watchdog *w)
{
	int64_t ms = clock_path(w->server->clock) ? SET_CLOCK_LOOK_MS : LOOK_MS;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_add(w->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct watchdog *w = arg;

	look_late(w);
	look_standing(w);
	sleep_again(w);
}

struct watchdog *watchdog_new(struct server *server, struct loop *loop)
{
	struct watchdog *w = g_new0(struct watchdog, 1);

	w->server = server;
	w->timer = evtimer_new(loop_base(loop), on_timer, w);
	sleep_again(w);
	return w;
}

void watchdog_free(struct watchdog **w)
{
	if (!*w)
		return;
	event_free((*w)->timer);
	txn_abort(&(*w)->txn);
	g_free(*w);
	*w = NULL;
}
