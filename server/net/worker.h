/*
 * Inside net/: a worker is one loop with its thread, its sessions and its read transaction. Everything in it belongs to that thread.
 */
#ifndef SERVER_NET_WORKER_H
#define SERVER_NET_WORKER_H

#include "server/call/feed.h"
#include "server/loop/loop.h"
#include "server/net/net.h"
#include "server/net/stream.h"
#include "server/server.h"
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

#define ADDRESS_SIZE 64

struct session;
struct listener;

struct worker {
	struct net *net;
	struct loop *loop;
	struct streams *streams;
	struct ssl_ctx_st *tls;
	pthread_t thread;
	struct txn *read;
	bool read_fresh;          /* taken since the last bytes or news came */
	struct session *sessions; /* list */
	GHashTable *watchers;     /* user id -> GPtrArray of sessions that watch reminders */
	GArray *sent;             /* struct inbox_sent, not written down yet */
	struct event *tick;
	bool stopping;
};

struct net {
	struct server *server;
	struct worker *workers;
	unsigned nworkers;
	unsigned next; /* worker of the next connection; worker 0's */
	unsigned connections_max, per_address_max, waiting_max;
	int64_t handshake_us, login_us;
	struct caller *local; /* who the admin socket's sessions are */
	atomic_uint connections;
	atomic_uint waiting; /* not logged in */
	/* of the listeners: worker 0's */
	GPtrArray *listeners;
	GHashTable *addresses; /* address -> count */
	int spare_fd;          /* given up for a moment when descriptors run out */
	uint16_t *ports;
	size_t naddresses;
	char *admin_path;
};

/* worker.c (net.c): the read transaction with the newest snapshot since read_fresh was taken away. */
enum status worker_txn(struct worker *w, struct txn **out, struct error *e);

/* listen.c */
enum status listen_open(struct net *n, const struct net_options *o, struct error *e);
void listen_start(struct net *n); /* on worker 0 */
void listen_close(struct net *n); /* on worker 0, or after its end */
void listen_forget(
	struct net *n, const char *address); /* a connection of it has ended; any worker */

/* session.c */
struct accepted {
	struct worker *worker;
	int fd;
	bool local;
	char address[ADDRESS_SIZE];
};
void session_accept(void *accepted); /* on its worker; frees it */
void session_tick(struct session *s, int64_t now_us);
struct session *session_next(const struct session *s);
/* Says why, then goodbye. */
void session_hang_up(struct session *s, const char *reason);
void session_hang_up_when_idle(struct session *s, const char *reason);
void session_alarm(struct session *s, const char *text); /* if an administrator watches */
/* only 0: of any number but except. */
bool session_is_of(const struct session *s, uint64_t user, uint64_t except, uint64_t only);
void session_feed(struct session *s); /* sends what it watches, while its output is low */
void session_drop(
	struct session *s); /* after the loop has ended; leaves one with open calls alone */

/* hub.c */
void hub_init(struct worker *w);
void hub_release(struct worker *w);
void hub_add(struct worker *w, struct session *s, uint64_t user);
void hub_remove(struct worker *w, struct session *s, uint64_t user);
/* For struct server. */
void hub_wake(void *net, const uint64_t *users, size_t n);
void hub_close_user(void *net, uint64_t user, uint64_t except, uint64_t only, const char *reason);
void hub_alarm(void *net, const char *text);

#endif
