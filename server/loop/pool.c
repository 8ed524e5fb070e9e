#include "server/loop/loop.h"
#include <glib.h>

struct pool {
	GThreadPool *threads;
	size_t queue_max;
};

struct job {
	loop_fn *fn;
	void *arg;
};

static void run_job(void *data, void *user_data)
{
	struct job *j = data;

	j->fn(j->arg);
	g_free(j);
}

struct pool *pool_new(size_t threads, size_t queue_max)
{
	struct pool *p = g_new0(struct pool, 1);

	p->queue_max = queue_max;
	p->threads = g_thread_pool_new(run_job, NULL, (gint)threads, TRUE, NULL);
	return p;
}

bool pool_submit(struct pool *p, loop_fn *fn, void *arg)
{
	struct job *j;

	if (g_thread_pool_unprocessed(p->threads) >= p->queue_max)
		return false;
	j = g_new(struct job, 1);
	*j = (struct job){ fn, arg };
	g_thread_pool_push(p->threads, j, NULL);
	return true;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (!p)
		return;
	g_thread_pool_free(p->threads, FALSE, TRUE);
	g_free(p);
	*pp = NULL;
}
