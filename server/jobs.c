#include "server/jobs.h"
#include "server/call/writer.h"
#include "server/log_line.h"
#include "server/model/model.h"
#include "server/op/jobs.h"
#include "server/server.h"
#include <glib.h>
#include <stdatomic.h>

#define IDLE_SLEEP_MS (30 * 1000)
#define BUSY_SLEEP_MS 50      /* the writer's queue was full, or a record is held by another job */
#define TROUBLE_SLEEP_MS 1000 /* the disk is full, or failed */

struct jobs {
	struct server *server;
	struct loop *loop;
	struct event *timer;
	struct txn *txn;   /* parked; of the loop's thread */
	atomic_bool asked; /* a look is posted */
	bool working;      /* a slice is with the writer */
	enum status ended; /* of that slice */
	char message[256];
	struct job_slice how;
};

static void sleep_for(struct jobs *j, int64_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_add(j->timer, &tv);
}

static void look(void *arg);

/* What may pass by itself is tried again; what will not turns the job back. */
static bool passes(enum status s)
{
	return s == STATUS_BUSY || s == STATUS_STORAGE_FULL || s == STATUS_OUTCOME_UNKNOWN;
}

static void ended_on_loop(void *arg)
{
	struct jobs *j = arg;
	bool again = j->how.failed != STATUS_OK;

	j->working = false;
	j->how.failed = STATUS_OK;
	if (j->ended == STATUS_OK) {
		look(j);
		return;
	}
	log_line(LOG_LEVEL_ERROR, "job_slice", "status=%d why=\"%s\"", (int)j->ended, j->message);
	if (!passes(j->ended)) {
		j->how.failed = j->ended;
		g_strlcpy(j->how.message, j->message, sizeof j->how.message);
	}
	sleep_for(j, again || j->ended == STATUS_STORAGE_FULL ? TROUBLE_SLEEP_MS : BUSY_SLEEP_MS);
}

static void ended(struct call *c, void *arg)
{
	struct jobs *j = arg;
	const Guanxi__Status *s = c->reply->status;

	j->ended = (enum status)s->code;
	g_snprintf(j->message, sizeof j->message, "%.*s", (int)MIN(s->message.len, 250),
		s->message.len ? (const char *)s->message.data : "");
	call_free(&c);
	loop_post(j->loop, ended_on_loop, j);
}

static bool waiting(struct jobs *j)
{
	bool found;

	if (j->txn ? txn_renew(j->txn, NULL) : txn_begin(j->server->store, false, &j->txn, NULL))
		return false;
	found = jobs_waiting(j->txn, clock_now(j->server->clock));
	txn_reset(j->txn);
	return found;
}

static void look(void *arg)
{
	struct jobs *j = arg;

	atomic_store(&j->asked, false);
	if (j->working)
		return;
	if (!waiting(j)) {
		sleep_for(j, IDLE_SLEEP_MS);
		return;
	}
	j->working = writer_submit_own(j->server->writer, jobs_slice, &j->how, ended, j);
	if (!j->working)
		sleep_for(j, BUSY_SLEEP_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	look(arg);
}

void jobs_look(struct jobs *j)
{
	if (j && !atomic_exchange(&j->asked, true))
		loop_post(j->loop, look, j);
}

struct jobs *jobs_new(struct server *server, struct loop *loop)
{
	struct jobs *j = g_new0(struct jobs, 1);

	j->server = server;
	j->loop = loop;
	j->timer = evtimer_new(loop_base(loop), on_timer, j);
	jobs_look(j);
	return j;
}

void jobs_free(struct jobs **j)
{
	if (!*j)
		return;
	event_free((*j)->timer);
	model_gathering_free(&(*j)->how.gathered);
	txn_abort(&(*j)->txn);
	g_free(*j);
	*j = NULL;
}
