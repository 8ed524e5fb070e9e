#include "client/conn.h"
#include "common/clock.h"
#include "common/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_US (60 * 1000000ll)
#define READ_SIZE 16384

struct conn {
	int fd;
	struct ssl_ctx_st *ctx;
	SSL *ssl;
	char pin[TLS_PIN_SIZE];
	struct buf in;
	struct buf out;
	size_t taken; /* bytes at the front of in that the last frame used */
	int64_t deadline_us;
	bool ended;
};

static enum status lost(struct error *e, const char *why)
{
	return error_set(e, STATUS_UNREACHABLE, "connection lost: %s", why);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Waits until fd is ready for events or until_us. False when the time ran out. */
static bool wait_for(int fd, short events, int64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until_us - monotonic_us();
		int n = poll(&p, 1, left <= 0 ? 0 : (int)((left + 999) / 1000));

		if (n > 0)
			return true;
		if (n == 0 && until_us <= monotonic_us())
			return false;
		if (n < 0 && errno != EINTR)
			return true; /* the next read or write will say what is wrong */
	}
}

static enum status too_late(const struct conn *c, struct error *e, const char *what)
{
	if (c->deadline_us && monotonic_us() >= c->deadline_us)
		return error_set(e, STATUS_TIMEOUT, "time-out");
	return error_set(e, STATUS_UNREACHABLE, "%s", what);
}

static int connect_one(const struct addrinfo *ai, int64_t until_us)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failure = 0, one = 1;
	socklen_t len = sizeof failure;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) && errno == EINPROGRESS) {
		if (!wait_for(fd, POLLOUT, until_us))
			failure = ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len);
		errno = failure;
	} else if (errno && errno != EINPROGRESS) {
		failure = errno;
	}
	if (failure) {
		close(fd);
		errno = failure;
		return -1;
	}
	return fd;
}

static enum status connect_any(
	struct conn *c, const struct conn_options *o, int64_t until_us, struct error *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int r;

	/* An address needs no name service and none of its start-up. */
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	r = getaddrinfo(o->host, o->port, &hints, &list);
	if (r) {
		hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
		r = getaddrinfo(o->host, o->port, &hints, &list);
	}
	if (r)
		return error_set(
			e, STATUS_UNREACHABLE, "cannot find '%s': %s", o->host, gai_strerror(r));
	for (struct addrinfo *ai = list; ai && c->fd < 0; ai = ai->ai_next) {
		errno = 0;
		c->fd = connect_one(ai, until_us);
	}
	int failure = errno;
	freeaddrinfo(list);
	if (c->fd >= 0)
		return STATUS_OK;
	if (failure == ETIMEDOUT && c->deadline_us && monotonic_us() >= c->deadline_us)
		return error_set(e, STATUS_TIMEOUT, "time-out");
	return error_set(e, STATUS_UNREACHABLE, "cannot connect to '%s:%s': %s", o->host, o->port,
		strerror(failure));
}

static enum status tls_failure(struct conn *c, const char *what, struct error *e)
{
	if (tls_untrusted(c->ssl, e))
		return STATUS_UNTRUSTED;
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return error_set(e, STATUS_UNREACHABLE, "%s: %s", what,
		reason ? reason : "the server closed the connection");
}

static enum status setup_tls(struct conn *c, const struct conn_options *o, struct error *e)
{
	struct evp_pkey_st *key = NULL;
	struct x509_st *certificate = NULL;
	uint8_t pin[TLS_HASH_LEN];
	enum status st = STATUS_OK;

	if (o->pin && !tls_pin_parse(bytes_str(o->pin), pin))
		return error_set(e, STATUS_USAGE, "'%s' is not a fingerprint", o->pin);
	tls_init();
	if (o->certificate_pem.len) {
		st = tls_key_from_pem(o->key_pem, &key, e);
		if (!st)
			st = tls_cert_from_pem(o->certificate_pem, &certificate, e);
	}
	if (!st)
		st = tls_client_context(certificate, key, &c->ctx, e);
	if (!st)
		st = tls_client_new(c->ctx, o->pin ? pin : NULL, o->host, &c->ssl, e);
	tls_key_free(&key);
	tls_cert_free(&certificate);
	if (st)
		return st;
	SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!SSL_set_fd(c->ssl, c->fd))
		return error_set(e, STATUS_INTERNAL, "cannot start TLS");
	return STATUS_OK;
}

static void remember_pin(struct conn *c)
{
	uint8_t hash[TLS_HASH_LEN];

	if (tls_peer_ca_hash(c->ssl, hash))
		tls_pin(hash, c->pin);
}

static enum status handshake(struct conn *c, int64_t until_us, struct error *e)
{
	for (;;) {
		int r = SSL_connect(c->ssl);
		int why = SSL_get_error(c->ssl, r);

		if (r == 1) {
			remember_pin(c);
			return STATUS_OK;
		}
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			return tls_failure(c, "cannot make a TLS connection", e);
		if (!wait_for(c->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until_us))
			return too_late(c, e, "the server does not answer");
	}
}

enum status conn_open(const struct conn_options *o, struct conn **out, struct error *e)
{
	struct conn *c = calloc(1, sizeof *c);
	int64_t until = earlier(monotonic_us() + CONNECT_MS * 1000ll, o->deadline_us);

	*out = NULL;
	if (!c)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	c->fd = -1;
	c->deadline_us = o->deadline_us;
	enum status st = connect_any(c, o, until, e);
	if (!st)
		st = setup_tls(c, o, e);
	if (!st)
		st = handshake(c, until, e);
	if (st)
		conn_close(&c);
	*out = c;
	return st;
}

void conn_close(struct conn **pc)
{
	struct conn *c = *pc;

	if (!c)
		return;
	if (c->ssl && !c->ended)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	tls_context_free(&c->ctx);
	ERR_clear_error();
	if (c->fd >= 0)
		close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	*pc = NULL;
}

const char *conn_pin(const struct conn *c)
{
	return c->pin;
}

void conn_queue(struct conn *c, const Guanxi__Frame *frame)
{
	frame_pack(frame, &c->out);
}

size_t conn_queued(const struct conn *c)
{
	return c->out.len;
}

/* Each of these says with *events what it waits for. */
static enum status try_write(struct conn *c, short *events, struct error *e)
{
	size_t done = 0;

	while (c->out.len) {
		int r = SSL_write_ex(c->ssl, c->out.data, c->out.len, &done);
		if (r) {
			buf_drop(&c->out, done);
			continue;
		}
		int why = SSL_get_error(c->ssl, r);
		if (why == SSL_ERROR_WANT_WRITE)
			*events |= POLLOUT;
		else if (why != SSL_ERROR_WANT_READ)
			return tls_failure(c, "connection lost", e);
		return STATUS_OK;
	}
	return STATUS_OK;
}

static enum status try_read(struct conn *c, short *events, struct error *e)
{
	size_t done = 0;

	buf_reserve(&c->in, READ_SIZE);
	int r = SSL_read_ex(c->ssl, c->in.data + c->in.len, READ_SIZE, &done);
	if (r) {
		c->in.len += done;
		*events |= POLLIN | POLLOUT; /* come again at once */
		return STATUS_OK;
	}
	int why = SSL_get_error(c->ssl, r);
	if (why == SSL_ERROR_WANT_READ) {
		*events |= POLLIN;
		return STATUS_OK;
	}
	if (why == SSL_ERROR_WANT_WRITE) {
		*events |= POLLOUT;
		return STATUS_OK;
	}
	c->ended = true;
	if (why == SSL_ERROR_ZERO_RETURN)
		return lost(e, "the server closed it");
	return tls_failure(c, "connection lost", e);
}

static void drop_taken(struct conn *c)
{
	buf_drop(&c->in, c->taken);
	c->taken = 0;
}

enum status conn_flush(struct conn *c, struct error *e)
{
	int64_t until = earlier(monotonic_us() + SILENCE_US, c->deadline_us);

	drop_taken(c);
	while (c->out.len) {
		short events = 0;
		enum status st = try_write(c, &events, e);

		/* The server may wait for us to read before it takes more. */
		if (!st && c->out.len && c->in.len < 4 * FRAME_MAX)
			st = try_read(c, &events, e);
		if (st)
			return st;
		if (c->out.len && !wait_for(c->fd, events ? events : POLLOUT, until))
			return too_late(c, e, "the server does not take the request");
	}
	return STATUS_OK;
}

enum status conn_receive(struct conn *c, int64_t until_us, struct bytes *body, struct error *e)
{
	int64_t silence = monotonic_us() + SILENCE_US;
	int64_t until = earlier(until_us ? until_us : silence, c->deadline_us);
	enum status st = conn_flush(c, e);

	while (!st) {
		short events = 0;

		switch (frame_find(buf_bytes(&c->in), FRAME_MAX, body, &c->taken)) {
		case FRAME_READY:
			return STATUS_OK;
		case FRAME_BAD:
			return lost(e, "the server sent a frame that is too long");
		case FRAME_MORE:
			break;
		}
		c->taken = 0;
		st = try_read(c, &events, e);
		if (st || (events & POLLOUT && events & POLLIN))
			continue;
		if (wait_for(c->fd, events, until))
			continue;
		if (until_us && (!c->deadline_us || monotonic_us() < c->deadline_us))
			return STATUS_TIMEOUT;
		return too_late(c, e, "the server does not answer");
	}
	return st;
}
