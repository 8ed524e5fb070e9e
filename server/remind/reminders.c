/* The one timer: sleeps until the first due row, never longer than a moment when business time can jump. */
#include "server/call/writer.h"
#include "server/log_line.h"
#include "server/loop/loop.h"
#include "server/remind/cadence.h"
#include "server/remind/fire.h"
#include "server/remind/inbox.h"
#include "server/remind/replan.h"
#include "server/server.h"
#include <glib.h>
#include <stdatomic.h>

#define LONGEST_SLEEP_MS (30 * 1000)
#define SET_CLOCK_SLEEP_MS 20 /* a clock that is set by a file is read this often */
#define BUSY_SLEEP_MS 50      /* the writer's queue was full */
#define TROUBLE_SLEEP_MS 1000 /* the disk is full, or failed */
#define DUE_SCAN 20000        /* rows; a reminder behind so many other days is not told of */

struct reminders {
	struct server *server;
	struct loop *loop;
	struct event *timer;
	struct txn *txn;   /* parked; of the loop's thread */
	atomic_bool asked; /* a look is posted */
	bool firing;       /* a batch is with the writer */
	int64_t began_us;  /* since when */
	atomic_bool stuck; /* the last batch failed, was not taken, or does not come back */
	enum status ended; /* of that batch */
	struct fire_how how;
	size_t singly; /* rows still to be fired one by one, to find the one that cannot */
};

static void sleep_for(struct reminders *r, int64_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_add(r->timer, &tv);
}

static void look(void *arg);

/* One row that cannot fire must not hold up the others: they are fired one by one, and that one is put off. */
static void choose_how(struct reminders *r)
{
	bool was_single = r->how.most == 1 && !r->how.put_off;

	if (r->ended == STATUS_OK && r->singly)
		r->singly--;
	else if (r->ended != STATUS_OK && !r->singly)
		r->singly = FIRE_BATCH;
	r->how.put_off = r->ended != STATUS_OK && was_single;
	r->how.most = r->singly ? 1 : FIRE_BATCH;
}

static void fired_on_loop(void *arg)
{
	struct reminders *r = arg;

	r->firing = false;
	atomic_store(&r->stuck, r->ended != STATUS_OK);
	if (r->ended == STATUS_BUSY || r->ended == STATUS_STORAGE_FULL ||
		(r->ended != STATUS_OK && r->how.put_off)) {
		sleep_for(r, TROUBLE_SLEEP_MS);
		return;
	}
	choose_how(r);
	if (r->how.put_off)
		log_line(LOG_LEVEL_ERROR, "reminder_put_off", "status=%d", (int)r->ended);
	look(r);
}

static void fired(struct call *c, void *arg)
{
	struct reminders *r = arg;

	r->ended = (enum status)c->reply->status->code;
	call_free(&c);
	loop_post(r->loop, fired_on_loop, r);
}

/* 0 while a change of the calendar waits to be worked off. */
static bool first_due(struct reminders *r, int64_t *instant)
{
	struct due_row row = { 0 };
	bool found;

	if (r->txn ? txn_renew(r->txn, NULL) : txn_begin(r->server->store, false, &r->txn, NULL))
		return false;
	found = replan_asked(r->txn) || cadence_asked(r->txn) ||
		due_read(r->txn, INT64_MAX, NULL, &row, 1) == 1;
	txn_reset(r->txn);
	if (found)
		*instant = row.instant;
	return found;
}

static int64_t until_next(struct reminders *r, bool *due)
{
	int64_t instant, wait = LONGEST_SLEEP_MS;

	*due = false;
	if (first_due(r, &instant)) {
		wait = instant - clock_now(r->server->clock);
		*due = wait <= 0;
	}
	if (wait > SET_CLOCK_SLEEP_MS && clock_path(r->server->clock))
		wait = SET_CLOCK_SLEEP_MS;
	return wait > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : wait;
}

static void look(void *arg)
{
	struct reminders *r = arg;
	bool due;
	int64_t wait;

	atomic_store(&r->asked, false);
	if (r->firing) {
		if (monotonic_us() - r->began_us > (int64_t)LATE_MS * 1000)
			atomic_store(&r->stuck, true);
		sleep_for(r, LATE_MS / 4);
		return;
	}
	wait = until_next(r, &due);
	if (!due) {
		atomic_store(&r->stuck, false);
		sleep_for(r, wait);
		return;
	}
	r->began_us = monotonic_us();
	r->firing = writer_submit_own(r->server->writer, fire_due, &r->how, fired, r);
	if (!r->firing)
		atomic_store(&r->stuck, true);
	sleep_for(r, r->firing ? LATE_MS / 4 : BUSY_SLEEP_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	look(arg);
}

void reminders_look(struct reminders *r)
{
	if (r && !atomic_exchange(&r->asked, true))
		loop_post(r->loop, look, r);
}

bool reminders_stuck(struct reminders *r)
{
	return r && atomic_load(&r->stuck);
}

struct reminders *reminders_new(struct server *server, struct loop *loop)
{
	struct reminders *r = g_new0(struct reminders, 1);

	r->server = server;
	r->loop = loop;
	r->how.most = FIRE_BATCH;
	r->timer = evtimer_new(loop_base(loop), on_timer, r);
	reminders_look(r);
	return r;
}

void reminders_free(struct reminders **r)
{
	if (!*r)
		return;
	event_free((*r)->timer);
	txn_abort(&(*r)->txn);
	g_free(*r);
	*r = NULL;
}

static uint64_t count_due(struct txn *t, int64_t now)
{
	struct due_row rows[64];
	size_t n = due_read(t, now, NULL, rows, 64);
	uint64_t all = n;

	while (n == 64 && all < 100000) {
		struct due_row last = rows[63];
		n = due_read(t, now, &last, rows, 64);
		all += n;
	}
	return all;
}

/* The instant of the first due row that reminds somebody; 0: none. */
static int64_t next_reminder(struct txn *t)
{
	struct due_row rows[64];
	size_t n = 0;

	for (size_t seen = 0; seen < DUE_SCAN; seen += n) {
		struct due_row last = rows[n ? n - 1 : 0];
		n = due_read(t, INT64_MAX, seen ? &last : NULL, rows, 64);
		for (size_t i = 0; i < n; i++)
			if (due_reminds(&rows[i]))
				return rows[i].instant;
		if (n < 64)
			break;
	}
	return 0;
}

enum status remind_state(struct txn *t, int64_t now_ms, struct remind_state *out, struct error *e)
{
	*out = (struct remind_state){ 0 };
	fire_noted(t, &out->last_fired_ms, &out->last_lag_ms);
	out->next_due_ms = next_reminder(t);
	out->due_now = count_due(t, now_ms);
	out->unacknowledged = inbox_count_unacknowledged(t);
	return STATUS_OK;
}
