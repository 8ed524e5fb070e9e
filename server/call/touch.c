#include "server/call/auth.h"
#include "server/call/writer.h"
#include "server/server.h"
#include <glib.h>

struct touch {
	uint64_t user, session;
	int64_t now;
};

static enum status touch_run(struct call *c, struct error *e)
{
	const struct touch *t = c->prepared;

	return session_touch(c->txn, t->user, t->session, t->now, e);
}

static void touch_done(struct call *c, void *arg)
{
	g_free(arg);
	call_free(&c);
}

void session_touch_later(struct server *server, const struct session_row *row, int64_t now)
{
	struct touch *t;

	if (!session_stale(row, now))
		return;
	t = g_new(struct touch, 1);
	*t = (struct touch){ row->user, row->id, now };
	if (!writer_submit_own(server->writer, touch_run, t, touch_done, t))
		g_free(t); /* busy: it will be seen again */
}
