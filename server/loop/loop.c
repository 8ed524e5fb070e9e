#include "server/loop/loop.h"
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct post {
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *wakeup;
	int fd; /* eventfd */
	char name[16];
	GArray *hooks; /* struct post, after each round */
	atomic_bool stop;
	atomic_bool running;
	pthread_t thread;
	pthread_mutex_t lock;  /* not GLib's: the thread sanitizer sees through this one */
	GArray *posted;        /* struct post, under lock */
	GArray *running_posts; /* swapped with posted while they run */
};

/* True if something was posted. */
static bool run_posts(struct loop *l)
{
	GArray *batch;

	pthread_mutex_lock(&l->lock);
	batch = l->posted;
	l->posted = l->running_posts;
	l->running_posts = batch;
	pthread_mutex_unlock(&l->lock);
	for (guint i = 0; i < batch->len; i++) {
		struct post *p = &g_array_index(batch, struct post, i);

		p->fn(p->arg);
	}
	if (batch->len == 0)
		return false;
	g_array_set_size(batch, 0);
	return true;
}

static void on_wakeup(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) > 0)
		run_posts(arg);
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		g_error("out of memory");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_new(const char *name)
{
	struct loop *l = g_new0(struct loop, 1);

	g_strlcpy(l->name, name, sizeof(l->name));
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->base = base_new();
	if (l->fd < 0 || !l->base) {
		loop_free(&l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->hooks = g_array_new(FALSE, FALSE, sizeof(struct post));
	l->posted = g_array_new(FALSE, FALSE, sizeof(struct post));
	l->running_posts = g_array_new(FALSE, FALSE, sizeof(struct post));
	l->wakeup = event_new(l->base, l->fd, EV_READ | EV_PERSIST, on_wakeup, l);
	if (!l->wakeup || event_add(l->wakeup, NULL) != 0)
		loop_free(&l);
	return l;
}

static void run_hooks(struct loop *l)
{
	for (guint i = 0; i < l->hooks->len; i++) {
		struct post *p = &g_array_index(l->hooks, struct post, i);

		p->fn(p->arg);
	}
}

void loop_run(struct loop *l)
{
	pthread_setname_np(pthread_self(), l->name);
	l->thread = pthread_self();
	atomic_store(&l->running, true);
	while (!atomic_load(&l->stop)) {
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			break;
		run_hooks(l);
	}
	/* What others handed over before they ended must not be lost: results of calls are freed there. */
	while (run_posts(l))
		run_hooks(l);
	atomic_store(&l->running, false);
}

static void wake(struct loop *l)
{
	uint64_t one = 1;
	ssize_t n = write(l->fd, &one, sizeof(one));

	(void)n; /* a full counter wakes too */
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	wake(l);
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;

	if (!l)
		return;
	if (l->wakeup)
		event_free(l->wakeup);
	if (l->base)
		event_base_free(l->base);
	if (l->fd >= 0)
		close(l->fd);
	if (l->posted) {
		g_array_free(l->hooks, TRUE);
		g_array_free(l->posted, TRUE);
		g_array_free(l->running_posts, TRUE);
		pthread_mutex_destroy(&l->lock);
	}
	g_free(l);
	*lp = NULL;
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

void loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	struct post p = { fn, arg };
	bool first;

	pthread_mutex_lock(&l->lock);
	first = l->posted->len == 0;
	g_array_append_val(l->posted, p);
	pthread_mutex_unlock(&l->lock);
	if (first)
		wake(l);
}

bool loop_is_mine(const struct loop *l)
{
	return atomic_load(&l->running) && pthread_equal(l->thread, pthread_self());
}

void loop_after_round(struct loop *l, loop_fn *fn, void *arg)
{
	struct post p = { fn, arg };

	g_array_append_val(l->hooks, p);
}
