#include "server/loop/loop.h"
#include <glib.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
/* after the above */
#include <cmocka.h>

#define POSTS 2000

struct counted {
	struct loop *loop;
	int next;
	bool ordered, mine;
	int rounds;
};

static void *run(void *arg)
{
	loop_run(arg);
	return NULL;
}

struct numbered {
	struct counted *to;
	int number;
};

static void take(void *arg)
{
	struct numbered *n = arg;

	if (n->number != n->to->next++)
		n->to->ordered = false;
	if (!loop_is_mine(n->to->loop))
		n->to->mine = false;
	g_free(n);
}

static void after_round(void *arg)
{
	struct counted *c = arg;

	c->rounds++;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void posts_run_in_order_on_the_loops_thread(void **state)
{
	struct loop *l = loop_new("test");
	struct counted c = { .loop = l, .ordered = true, .mine = true };
	pthread_t thread;

	assert_non_null(l);
	loop_after_round(l, after_round, &c);
	assert_false(loop_is_mine(l));
	assert_int_equal(pthread_create(&thread, NULL, run, l), 0);
	for (int i = 0; i < POSTS; i++) {
		struct numbered *n = g_new(struct numbered, 1);

		*n = (struct numbered){ &c, i };
		loop_post(l, take, n);
	}
	loop_post(l, stop, l);
	pthread_join(thread, NULL);
	assert_int_equal(c.next, POSTS);
	assert_true(c.ordered);
	assert_true(c.mine);
	assert_true(c.rounds > 0);
	assert_false(loop_is_mine(l));
	loop_free(&l);
	assert_null(l);
}

static void what_is_posted_after_the_stop_still_runs(void **state)
{
	struct loop *l = loop_new("test");
	struct counted c = { .loop = l, .ordered = true, .mine = true };
	struct numbered *n = g_new(struct numbered, 1);

	loop_stop(l);
	*n = (struct numbered){ &c, 0 };
	loop_post(l, take, n);
	loop_run(l);
	assert_int_equal(c.next, 1);
	loop_free(&l);
}

struct gate {
	GMutex lock;
	GCond cond;
	bool open;
	atomic_int done;
};

static void wait_at_gate(void *arg)
{
	struct gate *g = arg;

	g_mutex_lock(&g->lock);
	while (!g->open)
		g_cond_wait(&g->cond, &g->lock);
	g_mutex_unlock(&g->lock);
	atomic_fetch_add(&g->done, 1);
}

static void pool_refuses_beyond_its_queue_and_ends_what_it_took(void **state)
{
	struct pool *p = pool_new(1, 3);
	struct gate g = { .open = false };
	int taken = 0;

	g_mutex_init(&g.lock);
	g_cond_init(&g.cond);
	while (taken < 100 && pool_submit(p, wait_at_gate, &g))
		taken++;
	/* three in the queue, and one more if the thread had taken its first meanwhile */
	assert_in_range(taken, 3, 4);
	g_mutex_lock(&g.lock);
	g.open = true;
	g_cond_broadcast(&g.cond);
	g_mutex_unlock(&g.lock);
	pool_free(&p);
	assert_null(p);
	assert_int_equal(atomic_load(&g.done), taken);
	g_mutex_clear(&g.lock);
	g_cond_clear(&g.cond);
}

struct pause_test {
	struct pool *pool;
	char order[8];
	size_t n;
	sem_t done;
};

static void short_job(void *arg)
{
	struct pause_test *x = arg;

	x->order[x->n++] = 's';
	if (x->n == 4)
		sem_post(&x->done);
}

/* Two wait when it pauses: one of them goes first. */
static void long_job(void *arg)
{
	struct pause_test *x = arg;

	x->order[x->n++] = 'l';
	assert_true(pool_submit(x->pool, short_job, x));
	assert_true(pool_submit(x->pool, short_job, x));
	pool_pause(x->pool);
	x->order[x->n++] = 'L';
}

static void a_long_job_lets_another_one_go_first(void **state)
{
	struct pause_test x = { .pool = pool_new(1, 8) };

	sem_init(&x.done, 0, 0);
	assert_true(pool_submit(x.pool, long_job, &x));
	while (sem_wait(&x.done) != 0)
		;
	pool_free(&x.pool);
	sem_destroy(&x.done);
	assert_string_equal(x.order, "lsLs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_run_in_order_on_the_loops_thread),
		cmocka_unit_test(what_is_posted_after_the_stop_still_runs),
		cmocka_unit_test(pool_refuses_beyond_its_queue_and_ends_what_it_took),
		cmocka_unit_test(a_long_job_lets_another_one_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
