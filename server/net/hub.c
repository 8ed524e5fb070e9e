/* News: which sessions of a worker watch, and waking them. Only user ids travel between threads; every session reads for itself. */
#include "server/net/worker.h"

struct news {
	struct worker *worker;
	size_t n;
	uint64_t users[];
};

struct ending {
	struct worker *worker;
	uint64_t user, except, only;
	char reason[64];
};

static void drop_array(void *array)
{
	g_ptr_array_free(array, TRUE);
}

void hub_init(struct worker *w)
{
	w->watchers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, drop_array);
}

void hub_release(struct worker *w)
{
	if (w->watchers)
		g_hash_table_destroy(w->watchers);
}

void hub_add(struct worker *w, struct session *s, uint64_t user)
{
	GPtrArray *of_user = g_hash_table_lookup(w->watchers, &user);

	if (!of_user) {
		of_user = g_ptr_array_new();
		g_hash_table_insert(w->watchers, g_memdup2(&user, sizeof(user)), of_user);
	}
	g_ptr_array_add(of_user, s);
}

void hub_remove(struct worker *w, struct session *s, uint64_t user)
{
	GPtrArray *of_user = g_hash_table_lookup(w->watchers, &user);

	if (!of_user)
		return;
	g_ptr_array_remove_fast(of_user, s);
	if (of_user->len == 0)
		g_hash_table_remove(w->watchers, &user);
}

/* Feeding may end a session's watch: the array is walked from its end. */
static void feed_all(GPtrArray *sessions)
{
	for (guint i = sessions->len; i > 0; i--)
		if (i <= sessions->len)
			session_feed(g_ptr_array_index(sessions, i - 1));
}

static void on_news(void *arg)
{
	struct news *news = arg;
	struct worker *w = news->worker;

	w->read_fresh = false;
	for (size_t i = 0; i < news->n; i++) {
		GPtrArray *of_user = g_hash_table_lookup(w->watchers, &news->users[i]);

		if (of_user) {
			g_ptr_array_ref(of_user);
			feed_all(of_user);
			g_ptr_array_unref(of_user);
		}
	}
	g_free(news);
}

void hub_wake(void *arg, const uint64_t *users, size_t n)
{
	struct net *net = arg;

	for (unsigned i = 0; i < net->nworkers; i++) {
		struct news *news = g_malloc(sizeof(*news) + n * sizeof(*users));

		*news = (struct news){ &net->workers[i], n };
		if (n)
			memcpy(news->users, users, n * sizeof(*users));
		loop_post(net->workers[i].loop, on_news, news);
	}
}

static void on_ending(void *arg)
{
	struct ending *e = arg;

	for (struct session *s = e->worker->sessions; s; s = session_next(s))
		if (session_is_of(s, e->user, e->except, e->only))
			session_hang_up(s, e->reason);
	g_free(e);
}

void hub_close_user(void *arg, uint64_t user, uint64_t except, uint64_t only, const char *reason)
{
	struct net *net = arg;

	for (unsigned i = 0; i < net->nworkers; i++) {
		struct ending *e = g_new0(struct ending, 1);

		*e = (struct ending){ &net->workers[i], user, except, only, "" };
		g_strlcpy(e->reason, reason, sizeof(e->reason));
		loop_post(net->workers[i].loop, on_ending, e);
	}
}

struct alarm {
	struct worker *worker;
	char text[512];
};

static void on_alarm(void *arg)
{
	struct alarm *a = arg;

	for (struct session *s = a->worker->sessions; s; s = session_next(s))
		session_alarm(s, a->text);
	g_free(a);
}

void hub_alarm(void *arg, const char *text)
{
	struct net *net = arg;

	for (unsigned i = 0; i < net->nworkers; i++) {
		struct alarm *a = g_new0(struct alarm, 1);

		a->worker = &net->workers[i];
		g_strlcpy(a->text, text, sizeof(a->text));
		loop_post(net->workers[i].loop, on_alarm, a);
	}
}
