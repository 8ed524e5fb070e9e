#include "server/cmd_run.h"
#include "common/tls.h"
#include "server/call/secret.h"
#include "server/call/writer.h"
#include "server/child.h"
#include "server/home.h"
#include "server/jobs.h"
#include "server/log_line.h"
#include "server/loop/loop.h"
#include "server/model/model.h"
#include "server/net/net.h"
#include "server/op/jobs.h"
#include "server/options.h"
#include "server/remind/remind.h"
#include "server/server.h"
#include "server/store/file.h"
#include "server/watchdog.h"
#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define TAIL_ENTRIES 1000

struct running {
	const struct cmd_args *args;
	struct options *options;
	struct home home;
	struct server server;
	struct loop *loop;
	struct net *net;
	struct event *signals[3];
};

/* Looking before serving. */

static void report(void *arg, const char *damage)
{
	log_line(LOG_LEVEL_ERROR, "damage", "what=\"%s\"", damage);
}

static int probe(const void *home_read_only)
{
	struct home home;
	struct txn *t = NULL;
	struct error e;
	size_t bad;

	error_init(&e);
	if (home_open(home_read_only, &home, &e))
		return cmd_failed(&e);
	if (txn_begin(home.store, false, &t, &e))
		return cmd_failed(&e);
	bad = store_check_tail(t, TAIL_ENTRIES, report, NULL);
	txn_abort(&t);
	home_close(&home);
	return bad ? EXIT_DAMAGED : 0;
}

/* 0, or the exit code. */
static int probe_in_child(const struct cmd_args *a, uint64_t map_size)
{
	struct home_options o = { .dir = a->dir, .map_size = map_size, .read_only = true };
	int code = child_run(probe, &o);

	if (code == 1)
		return EXIT_REFUSED;
	if (code == CHILD_KILLED || code == EXIT_DAMAGED) {
		fprintf(stderr, "guanxid: the store in \"%s\" is damaged\n", a->dir);
		return EXIT_DAMAGED;
	}
	return code;
}

/* The file that names the addresses. */

static void address_write(struct buf *out, const char *address, uint16_t port)
{
	const char *end = strrchr(address, ']');
	const char *colon = strrchr(end ? end : address, ':');

	buf_add(out, address, colon ? (size_t)(colon - address) : strlen(address));
	buf_printf(out, ":%u\n", port);
}

static enum status listen_write(struct running *r, struct error *e)
{
	char *path = home_path(r->args->dir, "listen");
	struct buf text = BUF_INIT;
	GError *failed = NULL;
	enum status s = STATUS_OK;

	for (size_t i = 0; r->options->listen[i]; i++)
		address_write(&text, r->options->listen[i], net_port(r->net, i));
	if (!g_file_set_contents(path, buf_str(&text), (gssize)text.len, &failed)) {
		s = error_reason(e, STATUS_INTERNAL, "io", "%s", failed->message);
		g_clear_error(&failed);
	}
	buf_free(&text);
	g_free(path);
	return s;
}

static void listen_remove(const char *dir)
{
	char *path = home_path(dir, "listen");

	unlink(path);
	g_free(path);
}

/* Signals. */

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
	struct running *r = arg;

	log_line(LOG_LEVEL_INFO, "stopping", "signal=%d", (int)signal_number);
	sd_notify(0, "STOPPING=1");
	loop_stop(r->loop);
}

static void reload_options(struct running *r)
{
	struct options *fresh = options_new();
	struct error e;

	error_init(&e);
	if (r->args->config && options_read(fresh, r->args->config, &e)) {
		log_line(LOG_LEVEL_ERROR, "reload", "options=kept why=\"%s\"", e.message);
		error_clear(&e);
	} else {
		options_reload(r->options, fresh);
		log_level_set(options_log_level(r->options));
	}
	options_free(&fresh);
}

static void on_reload(evutil_socket_t signal_number, short what, void *arg)
{
	struct running *r = arg;
	struct ssl_ctx_st *tls = NULL;
	struct error e;

	error_init(&e);
	reload_options(r);
	if (authority_context(r->server.authority, &tls, &e)) {
		log_line(LOG_LEVEL_ERROR, "reload", "certificates=kept why=\"%s\"", e.message);
		error_clear(&e);
		return;
	}
	net_reload(r->net, tls);
	log_line(LOG_LEVEL_INFO, "reload", "certificates=new");
}

static void signals_add(struct running *r)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		r->signals[i] = evsignal_new(loop_base(r->loop), numbers[i],
			numbers[i] == SIGHUP ? on_reload : on_stop, r);
		event_add(r->signals[i], NULL);
	}
}

static void fatal(struct server *server, int exit_code)
{
	log_line(LOG_LEVEL_ERROR, "fatal", "exit=%d", exit_code);
	listen_remove(server->dir);
	_exit(exit_code);
}

static void committed(struct server *server)
{
	reminders_look(server->reminders);
	jobs_look(server->jobs);
}

/* Start and stop. */

static enum status serve_net(struct running *r, struct error *e)
{
	struct net_options o = {
		.addresses = (const char *const *)r->options->listen,
		.naddresses = g_strv_length(r->options->listen),
		.loops = (unsigned)r->options->loops,
		.connections_max = (unsigned)r->options->max_connections,
		.per_address_max = (unsigned)r->options->max_connections_per_address,
		.handshake_seconds = (unsigned)r->options->handshake_seconds,
		.login_seconds = (unsigned)r->options->login_seconds,
		.admin_dir = r->args->dir,
	};
	enum status s = authority_context(r->server.authority, &o.tls, e);

	if (s)
		return s;
	s = net_start(&r->server, &o, &r->net, e);
	if (s)
		tls_context_free(&o.tls);
	return s;
}

/* Uploads that the last run left open: nobody goes on with them. */
static enum status drop_uploads(struct store *store, struct error *e)
{
	enum status s = STATUS_OK;
	struct txn *t;
	bool more = true;

	while (!s && more) {
		s = txn_begin(store, true, &t, e);
		if (s)
			break;
		s = file_sweep(t, INT64_MAX, &more, e);
		if (!s && txn_puts(t))
			s = txn_commit(&t, e);
		else
			txn_abort(&t);
	}
	/* a full disk must not keep the server from starting */
	if (s != STATUS_STORAGE_FULL)
		return s;
	error_clear(e);
	return STATUS_OK;
}

/* named: as an operation, which is a put itself. */
static enum status fill_missing_once(struct running *r, bool named, bool *missing, struct error *e)
{
	struct author author = { .now_ms = clock_now(r->server.clock) };
	struct txn *t;
	enum status s = txn_begin(r->home.store, true, &t, e);

	if (!s && named)
		s = store_operation(t, &author.operation, e);
	if (!s)
		s = model_fill_missing(t, &author, e);
	*missing = !s && txn_puts(t) > 0;
	if (*missing && named)
		return txn_commit(&t, e);
	txn_abort(&t);
	return s;
}

/* A store that an older program made learns what has come since. */
static enum status fill_missing(struct running *r, struct error *e)
{
	bool missing;
	enum status s = fill_missing_once(r, false, &missing, e);

	if (!s && missing) {
		log_line(LOG_LEVEL_INFO, "upgrade",
			"what=\"dictionaries, settings and rules of this version\"");
		s = fill_missing_once(r, true, &missing, e);
	}
	if (s != STATUS_STORAGE_FULL)
		return s;
	error_clear(e); /* at a later start */
	return STATUS_OK;
}

static enum status serve_start(struct running *r, struct error *e)
{
	struct home_options o = { .dir = r->args->dir, .map_size = (uint64_t)r->options->map_size };
	enum status s = home_open(&o, &r->home, e);

	if (s)
		return s;
	r->server = (struct server){ .store = r->home.store,
		.schema = r->home.schema,
		.dir = r->args->dir,
		.fatal = fatal,
		.committed = committed,
		.cadence = r->home.cadence,
		.clock = clock_new(r->args->clock) };
	r->server.started_ms = real_ms();
	s = drop_uploads(r->home.store, e);
	if (!s)
		s = fill_missing(r, e);
	if (!s)
		s = authority_open(r->args->dir, &r->server.authority, e);
	if (s)
		return s;
	r->loop = loop_new("main");
	if (!r->loop)
		return error_set(e, STATUS_INTERNAL, "cannot make an event loop");
	r->server.pool = pool_new((size_t)r->options->pool_threads, (size_t)r->options->pool_queue);
	r->server.writer = writer_new(&r->server, (size_t)r->options->write_queue);
	/* before anybody can write: the writer tells it of every commit */
	store_guard(r->home.store, jobs_guard, NULL);
	r->server.reminders = reminders_new(&r->server, r->loop);
	r->server.jobs = jobs_new(&r->server, r->loop);
	r->server.watchdog = watchdog_new(&r->server, r->loop);
	s = serve_net(r, e);
	if (s)
		return s;
	signals_add(r);
	return listen_write(r, e);
}

static void serve_stop(struct running *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(r->signals); i++)
		if (r->signals[i])
			event_free(r->signals[i]);
	if (r->net)
		net_stop(r->net);
	if (r->server.pool)
		pool_free(&r->server.pool);
	if (r->server.writer)
		writer_free(&r->server.writer);
	net_free(&r->net);
	watchdog_free(&r->server.watchdog);
	jobs_free(&r->server.jobs);
	reminders_free(&r->server.reminders); /* the writer looks for nearer ones until its end */
	if (r->loop)
		loop_free(&r->loop);
	listen_remove(r->args->dir);
	authority_free(&r->server.authority);
	if (r->server.clock)
		clock_free(&r->server.clock);
	home_close(&r->home);
}

static int options_load(const struct cmd_args *a, struct options *o)
{
	struct error e;

	error_init(&e);
	if (a->config && options_read(o, a->config, &e))
		return cmd_failed(&e);
	if (a->nlisten)
		options_listen(o, (char *const *)a->listen, a->nlisten);
	log_level_set(options_log_level(o));
	return 0;
}

static int serve_loop(struct running *r, void (*ready)(const char *dir))
{
	struct error e;

	error_init(&e);
	if (serve_start(r, &e)) {
		int code = cmd_failed(&e);
		return code == 1 ? EXIT_REFUSED : code;
	}
	log_line(LOG_LEVEL_INFO, "ready", "dir=\"%s\" seq=%llu", r->args->dir,
		(unsigned long long)store_last_seq(r->home.store));
	sd_notify(0, "READY=1");
	if (ready)
		ready(r->args->dir);
	loop_run(r->loop);
	return 0;
}

int serve(const struct cmd_args *a, void (*ready)(const char *dir))
{
	struct running r = { .args = a, .options = options_new(), .home = { .lock = -1 } };
	int code = options_load(a, r.options);

	signal(SIGPIPE, SIG_IGN);
	if (!code && home_busy(a->dir)) {
		fprintf(stderr, "guanxid: \"%s\" is in use by another process\n", a->dir);
		code = EXIT_REFUSED;
	}
	if (!code)
		code = probe_in_child(a, (uint64_t)r.options->map_size);
	if (!code) {
		evthread_use_pthreads();
		code = serve_loop(&r, ready);
		serve_stop(&r);
		log_line(LOG_LEVEL_INFO, "stopped", "exit=%d", code);
	}
	options_free(&r.options);
	return code;
}

static int run(const struct cmd_args *a)
{
	return serve(a, NULL);
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "-D DIR [--listen ADDR:PORT]... [--config FILE] [--clock FILE]",
	.help = "serves in the foreground, logs to standard error",
	.options = "dir listen config clock",
	.needs_dir = true,
	.run = run,
};
