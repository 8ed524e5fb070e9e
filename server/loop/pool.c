#include "server/loop/loop.h"
#include <glib.h>
#include <pthread.h>

#define PAUSED_MAX 4 /* of each thread: they stand on one stack */

struct job {
	loop_fn *fn;
	void *arg;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	GQueue queue; /* struct job, under lock */
	size_t queue_max;
	bool stop;
	size_t paused; /* jobs that have let another one go first; under lock */
	size_t nthreads;
	pthread_t threads[];
};

/* The next job, or NULL when the pool ends. */
static struct job *take(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while (p->queue.length == 0 && !p->stop)
		pthread_cond_wait(&p->cond, &p->lock);
	j = g_queue_pop_head(&p->queue);
	pthread_mutex_unlock(&p->lock);
	return j;
}

static void *pool_run(void *arg)
{
	struct pool *p = arg;
	struct job *j;

	pthread_setname_np(pthread_self(), "pool");
	while ((j = take(p))) {
		j->fn(j->arg);
		g_free(j);
	}
	return NULL;
}

struct pool *pool_new(size_t threads, size_t queue_max)
{
	struct pool *p = g_malloc0(sizeof(*p) + threads * sizeof(p->threads[0]));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
	g_queue_init(&p->queue);
	p->queue_max = queue_max;
	for (; p->nthreads < threads; p->nthreads++)
		if (pthread_create(&p->threads[p->nthreads], NULL, pool_run, p) != 0)
			g_error("cannot start a thread of the pool");
	return p;
}

void pool_pause(struct pool *p)
{
	struct job *j = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->paused < p->nthreads * PAUSED_MAX && (j = g_queue_pop_head(&p->queue)))
		p->paused++;
	pthread_mutex_unlock(&p->lock);
	if (!j)
		return;
	j->fn(j->arg);
	g_free(j);
	pthread_mutex_lock(&p->lock);
	p->paused--;
	pthread_mutex_unlock(&p->lock);
}

bool pool_submit(struct pool *p, loop_fn *fn, void *arg)
{
	struct job *j = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->queue.length < p->queue_max && !p->stop) {
		j = g_new(struct job, 1);
		*j = (struct job){ fn, arg };
		g_queue_push_tail(&p->queue, j);
		pthread_cond_signal(&p->cond);
	}
	pthread_mutex_unlock(&p->lock);
	return j != NULL;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->cond);
	g_free(p);
	*pp = NULL;
}
