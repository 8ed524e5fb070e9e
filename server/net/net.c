#include "server/net/net.h"
#include "common/tls.h"
#include "server/call/rights.h"
#include "server/call/writer.h"
#include "server/log_line.h"
#include "server/net/worker.h"
#include <signal.h>
#include <unistd.h>

#define TICK_US (500 * 1000)
#define STOP_US (5 * 1000000LL)
#define CONNECTIONS_MAX 20000
#define WAITING_MAX 5000

/* A worker's transaction: parked between rounds, so that no old snapshot is held while nobody asks. */

enum status worker_txn(struct worker *w, struct txn **out, struct error *e)
{
	enum status st = STATUS_OK;

	if (!w->read) {
		st = txn_begin(w->net->server->store, false, &w->read, e);
	} else if (!w->read_fresh) {
		txn_reset(w->read);
		st = txn_renew(w->read, e);
	}
	w->read_fresh = st == STATUS_OK;
	if (st != STATUS_OK)
		txn_abort(&w->read);
	*out = w->read;
	return st;
}

static void park(void *arg)
{
	struct worker *w = arg;

	if (w->read && w->read_fresh)
		txn_reset(w->read);
	w->read_fresh = false;
}

static void sent_written(struct call *c, void *sent)
{
	call_free(&c);
	g_array_free(sent, TRUE);
}

/* What sessions were sent is written down in one go: twice a second at most, and at the end. */
static void write_sent(struct worker *w)
{
	struct writer *writer = w->net->server->writer;

	if (w->sent->len && writer &&
		writer_submit_own(writer, feed_write_sent, w->sent, sent_written, w->sent))
		w->sent = g_array_new(FALSE, FALSE, sizeof(struct inbox_sent));
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	int64_t now = monotonic_us();

	for (struct session *s = w->sessions, *next; s; s = next) {
		next = session_next(s);
		session_tick(s, now);
	}
	write_sent(w);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

static enum status worker_init(
	struct worker *w, struct net *n, unsigned i, struct ssl_ctx_st *tls, struct error *e)
{
	static const struct timeval tick = { 0, TICK_US };
	char name[16];

	snprintf(name, sizeof(name), "loop%u", i % 1000);
	w->net = n;
	w->loop = loop_new(name);
	if (!w->loop)
		return error_set(e, STATUS_INTERNAL, "cannot make an event loop");
	w->streams = streams_new(w->loop);
	w->tls = tls ? tls_context_ref(tls) : NULL;
	hub_init(w);
	w->sent = g_array_new(FALSE, FALSE, sizeof(struct inbox_sent));
	loop_after_round(w->loop, park, w);
	w->tick = event_new(loop_base(w->loop), -1, EV_PERSIST, on_tick, w);
	event_add(w->tick, &tick);
	return STATUS_OK;
}

static void drop_sessions(struct worker *w)
{
	for (struct session *s = w->sessions, *next; s; s = next) {
		next = session_next(s);
		session_drop(s);
	}
}

static void worker_release(struct worker *w)
{
	if (!w->loop)
		return;
	if (w->tick)
		event_free(w->tick);
	txn_abort(&w->read);
	hub_release(w);
	g_array_free(w->sent, TRUE);
	streams_free(&w->streams);
	if (w->tls)
		tls_context_free(&w->tls);
	loop_free(&w->loop);
}

/* A loop that has been told to stop only does what was posted to it. */
static void do_posted(struct worker *w)
{
	if (!w->loop)
		return;
	loop_stop(w->loop);
	loop_run(w->loop);
}

void net_free(struct net **np)
{
	struct net *n = *np;

	if (!n)
		return;
	listen_close(n);
	for (unsigned i = 0; i < n->nworkers; i++) {
		do_posted(&n->workers[i]);
		drop_sessions(&n->workers[i]);
	}
	do_posted(&n->workers[0]); /* the sessions have left their addresses there */
	for (unsigned i = 0; i < n->nworkers; i++)
		worker_release(&n->workers[i]);
	n->server->wake = NULL;
	n->server->alarm = NULL;
	n->server->close_user = NULL;
	n->server->connections = NULL;
	if (n->addresses)
		g_hash_table_destroy(n->addresses);
	caller_free(&n->local);
	g_free(n->ports);
	g_free(n->admin_path);
	g_free(n->workers);
	g_free(n);
	*np = NULL;
}

/* Everything may be done from the server's own console. */
static struct caller *local_administrator(void)
{
	struct caller *c = g_new0(struct caller, 1);

	c->admin = true;
	c->class_mask = ~0u;
	c->scope = scope_all;
	c->rights = g_new0(char *, 2);
	c->rights[0] = g_strdup("*");
	c->zone = zone_find(ZONE_DEFAULT);
	g_strlcpy(c->username, "console", sizeof(c->username));
	g_strlcpy(c->name, "console", sizeof(c->name));
	return c;
}

static uint64_t count_connections(void *arg)
{
	struct net *n = arg;

	return atomic_load(&n->connections);
}

static enum status start_threads(struct net *n, struct error *e)
{
	listen_start(n);
	for (unsigned i = 0; i < n->nworkers; i++) {
		struct worker *w = &n->workers[i];

		if (pthread_create(&w->thread, NULL, worker_run, w) == 0)
			continue;
		while (i-- > 0) {
			loop_stop(n->workers[i].loop);
			pthread_join(n->workers[i].thread, NULL);
		}
		return error_set(e, STATUS_INTERNAL, "cannot start a thread");
	}
	return STATUS_OK;
}

static struct net *net_new(struct server *server, const struct net_options *o)
{
	struct net *n = g_new0(struct net, 1);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	n->server = server;
	n->nworkers = o->loops ? o->loops : (unsigned)CLAMP(cores, 1, 64);
	n->workers = g_new0(struct worker, n->nworkers);
	n->connections_max = o->connections_max ? o->connections_max : CONNECTIONS_MAX;
	n->waiting_max = o->waiting_max ? o->waiting_max : WAITING_MAX;
	n->per_address_max = o->per_address_max;
	n->handshake_us = (o->handshake_seconds ? o->handshake_seconds : 10) * 1000000LL;
	n->login_us = (o->login_seconds ? o->login_seconds : 30) * 1000000LL;
	n->spare_fd = -1;
	n->local = local_administrator();
	return n;
}

enum status net_start(
	struct server *server, const struct net_options *o, struct net **out, struct error *e)
{
	struct net *n = net_new(server, o);
	enum status st = STATUS_OK;

	*out = NULL;
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2) */
	for (unsigned i = 0; st == STATUS_OK && i < n->nworkers; i++)
		st = worker_init(&n->workers[i], n, i, o->tls, e);
	if (st == STATUS_OK)
		st = listen_open(n, o, e);
	if (st == STATUS_OK) {
		server->net = n;
		server->connections = count_connections;
		server->close_user = hub_close_user;
		server->wake = hub_wake;
		server->alarm = hub_alarm;
		st = start_threads(n, e);
	}
	if (st != STATUS_OK) {
		net_free(&n);
		return st;
	}
	if (o->tls) { /* every worker has its own share of it */
		struct ssl_ctx_st *tls = o->tls;

		tls_context_free(&tls);
	}
	*out = n;
	return STATUS_OK;
}

struct swap {
	struct worker *worker;
	struct ssl_ctx_st *tls;
};

static void swap_context(void *arg)
{
	struct swap *s = arg;

	tls_context_free(&s->worker->tls);
	s->worker->tls = s->tls;
	g_free(s);
}

void net_reload(struct net *n, struct ssl_ctx_st *tls)
{
	for (unsigned i = 0; i < n->nworkers; i++) {
		struct swap *s = g_new(struct swap, 1);

		*s = (struct swap){ &n->workers[i], tls_context_ref(tls) };
		loop_post(n->workers[i].loop, swap_context, s);
	}
	tls_context_free(&tls);
}

static void close_listeners(void *arg)
{
	listen_close(arg);
}

static void end_sessions(void *arg)
{
	struct worker *w = arg;

	w->stopping = true;
	for (struct session *s = w->sessions; s; s = session_next(s))
		session_hang_up_when_idle(s, "server is stopping");
}

void net_stop(struct net *n)
{
	int64_t until = monotonic_us() + STOP_US;

	loop_post(n->workers[0].loop, close_listeners, n);
	for (unsigned i = 0; i < n->nworkers; i++)
		loop_post(n->workers[i].loop, end_sessions, &n->workers[i]);
	while (atomic_load(&n->connections) > 0 && monotonic_us() < until)
		g_usleep(5000);
	for (unsigned i = n->nworkers; i > 0; i--) {
		loop_stop(n->workers[i - 1].loop);
		pthread_join(n->workers[i - 1].thread, NULL);
		write_sent(&n->workers[i - 1]);
	}
}

uint16_t net_port(const struct net *n, size_t i)
{
	return i < n->naddresses ? n->ports[i] : 0;
}
