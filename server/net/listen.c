/* Listeners: TLS addresses and the local admin socket. All of it runs on worker 0; connections are handed round. */
#include "common/frame.h"
#include "server/log_line.h"
#include "server/net/worker.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPT_ROUND 32
#define REST_MS 100 /* when descriptors have run out */

struct listener {
	struct net *net;
	int fd;
	bool local;
	struct event *ready;
	struct event *rest;
};

/* Addresses of connections, counted on worker 0. */

static bool address_enter(struct net *n, const char *address)
{
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(n->addresses, address));

	if (n->per_address_max && count >= n->per_address_max)
		return false;
	g_hash_table_insert(n->addresses, g_strdup(address), GUINT_TO_POINTER(count + 1));
	return true;
}

struct left {
	struct net *net;
	char address[ADDRESS_SIZE];
};

static void address_leave(void *arg)
{
	struct left *l = arg;
	GHashTable *t = l->net->addresses;
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(t, l->address));

	if (count > 1)
		g_hash_table_insert(t, g_strdup(l->address), GUINT_TO_POINTER(count - 1));
	else
		g_hash_table_remove(t, l->address);
	g_free(l);
}

void listen_forget(struct net *n, const char *address)
{
	struct left *l = g_new0(struct left, 1);

	l->net = n;
	g_strlcpy(l->address, address, sizeof(l->address));
	loop_post(n->workers[0].loop, address_leave, l);
}

/* Accepting. */

static void address_text(const struct sockaddr_storage *from, char out[ADDRESS_SIZE])
{
	const struct sockaddr_in6 *v6 = (const void *)from;
	const struct sockaddr_in *v4 = (const void *)from;

	g_strlcpy(out, "unknown", ADDRESS_SIZE);
	if (from->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, out, ADDRESS_SIZE);
	else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, ADDRESS_SIZE);
	else if (from->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, out, ADDRESS_SIZE);
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static bool admitted(struct net *n, const struct listener *l, int fd, const char *address)
{
	if (l->local)
		return is_ours(fd);
	if (atomic_load(&n->connections) >= n->connections_max ||
		atomic_load(&n->waiting) >= n->waiting_max)
		return false;
	return address_enter(n, address);
}

static void hand_over(struct net *n, const struct listener *l, int fd, const char *address)
{
	struct accepted *a;
	int one = 1;

	if (!admitted(n, l, fd, address)) {
		log_line(LOG_LEVEL_DEBUG, "refused", "address=%s", address);
		close(fd);
		return;
	}
	if (!l->local) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		atomic_fetch_add(&n->waiting, 1);
	}
	atomic_fetch_add(&n->connections, 1);
	a = g_new0(struct accepted, 1);
	a->worker = &n->workers[n->next++ % n->nworkers];
	a->fd = fd;
	a->local = l->local;
	g_strlcpy(a->address, address, sizeof(a->address));
	loop_post(a->worker->loop, session_accept, a);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	event_add(l->ready, NULL);
}

/* No descriptor is left: the spare one serves to take the caller from the queue and hang up; then the listener rests. */
static void out_of_descriptors(struct listener *l)
{
	static const struct timeval rest = { 0, REST_MS * 1000 };
	struct net *n = l->net;

	close(n->spare_fd);
	n->spare_fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (n->spare_fd >= 0)
		close(n->spare_fd);
	n->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_line(LOG_LEVEL_WARNING, "descriptors", "out of file descriptors");
	event_del(l->ready);
	event_add(l->rest, &rest);
}

static void on_ready(evutil_socket_t lfd, short what, void *arg)
{
	struct listener *l = arg;

	for (int i = 0; i < ACCEPT_ROUND; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		char address[ADDRESS_SIZE] = "local";
		int fd = accept4(lfd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			out_of_descriptors(l);
			return;
		}
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0)
			return;
		if (!l->local)
			address_text(&from, address);
		hand_over(l->net, l, fd, address);
	}
}

/* Opening. */

static void add_listener(struct net *n, int fd, bool local)
{
	struct listener *l = g_new0(struct listener, 1);
	struct event_base *base = loop_base(n->workers[0].loop);

	evutil_make_socket_nonblocking(fd);
	*l = (struct listener){ .net = n, .fd = fd, .local = local };
	l->ready = event_new(base, fd, EV_READ | EV_PERSIST, on_ready, l);
	l->rest = evtimer_new(base, on_rested, l);
	g_ptr_array_add(n->listeners, l);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&a)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)&a)->sin_port);
}

static int bind_one(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	int one = 1, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* "host:port", "[v6]:port", "host", "[v6]", ":port"; *host is newly made, NULL for all. False when it is none of them. */
static bool split_address(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	const char *end = strchr(text, ']');

	if (text[0] == '[') {
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		*host = g_strndup(text + 1, (gsize)(end - text - 1));
		*port = g_strdup(end[1] == ':' ? end + 2 : "");
	} else {
		*host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
		*port = g_strdup(colon ? colon + 1 : "");
	}
	if ((*host)[0] == '\0' || strcmp(*host, "*") == 0) {
		g_free(*host);
		*host = NULL;
	}
	if ((*port)[0] == '\0') {
		g_free(*port);
		*port = g_strdup_printf("%d", DEFAULT_PORT);
	}
	return true;
}

/* Binds every address of a name; with port 0 only the first, so that there is one port. */
static enum status bind_all(struct net *n, size_t i, const char *text, const char *host,
	const char *port, struct error *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *all;
	int bound = 0, problem = 0;
	int rc = getaddrinfo(host, port, &hints, &all);

	if (rc != 0)
		return error_set(e, STATUS_UNREACHABLE, "cannot listen on \"%s\": %s", text,
			gai_strerror(rc));
	for (struct addrinfo *ai = all; ai; ai = ai->ai_next) {
		int fd;

		if (bound > 0 && strcmp(port, "0") == 0)
			break;
		fd = bind_one(ai);
		if (fd < 0) {
			if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
				problem = errno;
			continue;
		}
		if (bound++ == 0)
			n->ports[i] = port_of(fd);
		add_listener(n, fd, false);
	}
	freeaddrinfo(all);
	if (bound > 0 && problem == 0)
		return STATUS_OK;
	return error_set(e, STATUS_UNREACHABLE, "cannot listen on \"%s\": %s", text,
		g_strerror(problem ? problem : EADDRNOTAVAIL));
}

static enum status open_address(struct net *n, size_t i, const char *text, struct error *e)
{
	char *host = NULL, *port = NULL;
	enum status st;

	if (!split_address(text, &host, &port))
		return error_set(
			e, STATUS_UNREACHABLE, "not an address to listen on: \"%s\"", text);
	st = bind_all(n, i, text, host, port, e);
	g_free(host);
	g_free(port);
	return st;
}

static int bind_admin(int folder)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);
	bool good = fd >= 0 && net_admin_address(folder, &address) &&
		    (unlinkat(folder, ADMIN_SOCKET, 0) == 0 || errno == ENOENT) &&
		    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    listen(fd, BACKLOG) == 0;

	umask(mask);
	if (good)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static enum status open_admin(struct net *n, const char *dir, struct error *e)
{
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = folder >= 0 ? bind_admin(folder) : -1;
	int problem = errno;

	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return error_set(e, STATUS_UNREACHABLE, "cannot listen on \"%s/%s\": %s", dir,
			ADMIN_SOCKET, g_strerror(problem));
	n->admin_path = g_strdup_printf("%s/%s", dir, ADMIN_SOCKET);
	add_listener(n, fd, true);
	return STATUS_OK;
}

enum status listen_open(struct net *n, const struct net_options *o, struct error *e)
{
	enum status st = STATUS_OK;

	n->listeners = g_ptr_array_new();
	n->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	n->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	n->ports = g_new0(uint16_t, o->naddresses + 1);
	n->naddresses = o->naddresses;
	for (size_t i = 0; st == STATUS_OK && i < o->naddresses; i++)
		st = open_address(n, i, o->addresses[i], e);
	if (st == STATUS_OK && o->admin_dir)
		st = open_admin(n, o->admin_dir, e);
	return st;
}

void listen_start(struct net *n)
{
	for (guint i = 0; i < n->listeners->len; i++)
		event_add(((struct listener *)g_ptr_array_index(n->listeners, i))->ready, NULL);
}

void listen_close(struct net *n)
{
	if (!n->listeners)
		return;
	for (guint i = 0; i < n->listeners->len; i++) {
		struct listener *l = g_ptr_array_index(n->listeners, i);

		event_free(l->ready);
		event_free(l->rest);
		close(l->fd);
		g_free(l);
	}
	g_ptr_array_free(n->listeners, TRUE);
	n->listeners = NULL;
	if (n->admin_path)
		unlink(n->admin_path);
	if (n->spare_fd >= 0)
		close(n->spare_fd);
	n->spare_fd = -1;
}
