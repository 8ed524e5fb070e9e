/*
 * Everything that listens: the loops, the listeners on TLS addresses, the local admin socket, the sessions.
 */
#ifndef SERVER_NET_NET_H
#define SERVER_NET_NET_H

#include "server/server.h"

struct net;
struct ssl_ctx_st;

struct net_options {
	const char *const *addresses; /* "host:port", "[v6]:port", "host" (DEFAULT_PORT) */
	size_t naddresses;
	unsigned loops;           /* 0: one a core */
	struct ssl_ctx_st *tls;   /* made by tls_server_context; taken over if net_start succeeds */
	unsigned connections_max; /* 0: 20,000 */
	unsigned per_address_max; /* connections of one address; 0: no limit */
	unsigned waiting_max;     /* connections not logged in yet; 0: 5,000 */
	unsigned handshake_seconds; /* 0: 10 */
	unsigned login_seconds;     /* after the handshake; 0: 30 */
	const char *admin_dir;      /* folder for the admin socket ADMIN_SOCKET; NULL: none */
};

#define ADMIN_SOCKET "admin.sock"

/*
 * Binds all addresses, starts the loops' threads and fills in wake, close_user, connections and net of the server. All of store,
 * writer and pool must stand. STATUS_UNREACHABLE when an address cannot be bound.
 */
enum status net_start(
	struct server *server, const struct net_options *o, struct net **out, struct error *e);
/* New connections use this context from now on; taken over. Any thread. */
void net_reload(struct net *n, struct ssl_ctx_st *tls);
/* Stops accepting; says goodbye to every session once its calls in flight are answered (at most 5 s); joins the loops. Before the pool and the writer end. */
void net_stop(struct net *n);
/* After the pool and the writer have ended: they may still wake and answer until then. Accepts NULL. */
void net_free(struct net **n);
/* Port of the i-th address: what the kernel chose for port 0. */
uint16_t net_port(const struct net *n, size_t i);

/*
 * Connects to the admin socket of a folder (any length of path); the descriptor, or -1. The same frames without TLS;
 * the session is the local administrator.
 */
int net_admin_connect(const char *dir);
/* Its address below the open folder: sun_path holds 108 bytes, so the folder is named through its descriptor. */
struct sockaddr_un;
bool net_admin_address(int folder, struct sockaddr_un *out);

#endif
