#include "server/net/stream.h"
#include "common/clock.h"
#include "common/tls.h"
#include <errno.h>
#include <event2/event_struct.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MINUTE_US (60 * 1000000LL)
#define HANDSHAKE_KEY_UPDATE 24
#define COMPACT (256u * 1024)

struct streams {
	struct loop *loop;
	struct stream *dirty; /* have output for the end of this round */
	uint8_t *scratch;     /* STREAM_ROUND bytes */
};

struct stream {
	struct streams *set;
	struct stream *next_dirty;
	SSL *ssl; /* NULL: plain */
	const struct stream_handler *handler;
	void *arg;
	const char *why;
	struct event readable, writable, again;
	struct buf in;  /* untaken */
	struct buf out; /* from sent on */
	size_t sent;
	size_t tell_below;
	int64_t progress_us;
	int64_t updates_since_us;
	unsigned updates;
	int fd;
	bool is_dirty, tell, open, paused, closing, said_goodbye, ended, clean;
};

static void flush_dirty(void *arg);

struct streams *streams_new(struct loop *l)
{
	struct streams *set = g_new0(struct streams, 1);

	set->loop = l;
	set->scratch = g_malloc(STREAM_ROUND);
	loop_after_round(l, flush_dirty, set);
	return set;
}

void streams_free(struct streams **setp)
{
	if (!*setp)
		return;
	g_free((*setp)->scratch);
	g_free(*setp);
	*setp = NULL;
}

/* The handler hears of the end in a round of its own, never from inside a call to us. */
static void end(struct stream *s, bool clean, const char *why)
{
	if (s->ended)
		return;
	s->ended = true;
	s->clean = clean;
	s->why = why;
	event_del(&s->readable);
	event_del(&s->writable);
	stream_again(s);
}

void stream_again(struct stream *s)
{
	static const struct timeval now = { 0, 0 };

	event_add(&s->again, &now);
}

static void count_key_updates(int write_p, int version, int content_type, const void *data,
	size_t len, SSL *ssl, void *arg)
{
	struct stream *s = arg;
	int64_t now;

	if (write_p || content_type != SSL3_RT_HANDSHAKE || len == 0 ||
		*(const uint8_t *)data != HANDSHAKE_KEY_UPDATE)
		return;
	now = monotonic_us();
	if (now - s->updates_since_us > MINUTE_US) {
		s->updates_since_us = now;
		s->updates = 0;
	}
	/* OpenSSL would go on with what it has read: only the socket itself stops it */
	if (++s->updates > STREAM_KEY_UPDATES) {
		shutdown(s->fd, SHUT_RDWR);
		end(s, false, "too many key updates");
	}
}

/* True when rc, of an SSL call, only means that the socket is not ready; otherwise the stream has ended. */
static bool not_ready(struct stream *s, int rc)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_WANT_WRITE:
		if (!s->ended)
			event_add(&s->writable, NULL);
		return true;
	case SSL_ERROR_ZERO_RETURN:
		end(s, true, "closed by the peer");
		return false;
	case SSL_ERROR_SSL:
		if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			end(s, false, s->open ? "TLS error" : "TLS handshake failed");
			ERR_clear_error();
			return false;
		}
		break;
	default:
		break;
	}
	ERR_clear_error();
	end(s, s->said_goodbye, "connection lost");
	return false;
}

/* More than 0: bytes; 0: none now, or the stream has ended. */
static size_t read_some(struct stream *s, uint8_t *to, size_t size)
{
	ssize_t n;

	if (s->ssl) {
		ERR_clear_error();
		n = SSL_read(s->ssl, to, (int)size);
		if (n <= 0)
			not_ready(s, (int)n);
	} else {
		n = read(s->fd, to, size);
		if (n == 0)
			end(s, true, "closed by the peer");
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			end(s, s->said_goodbye, "connection lost");
	}
	return n > 0 ? (size_t)n : 0;
}

static size_t write_some(struct stream *s, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (s->ssl) {
		ERR_clear_error();
		n = SSL_write(s->ssl, data, (int)MIN(len, (size_t)INT_MAX));
		if (n <= 0)
			not_ready(s, (int)n);
	} else {
		n = send(s->fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			event_add(&s->writable, NULL);
		else if (n < 0)
			end(s, false, "connection lost");
	}
	return n > 0 ? (size_t)n : 0;
}

static void say_goodbye(struct stream *s)
{
	s->said_goodbye = true;
	if (s->ssl) {
		ERR_clear_error();
		SSL_shutdown(s->ssl);
		ERR_clear_error();
	}
	shutdown(s->fd, SHUT_WR);
	/* what the peer still sends is read away until its end: closing now could destroy our last bytes on their way */
	event_add(&s->readable, NULL);
}

static void drop_sent(struct stream *s)
{
	if (s->sent == s->out.len) {
		buf_free(&s->out);
		s->sent = 0;
	} else if (s->sent > COMPACT) {
		buf_drop(&s->out, s->sent);
		s->sent = 0;
	}
}

static void flush(struct stream *s)
{
	while (s->open && !s->ended && s->sent < s->out.len) {
		size_t n = write_some(s, s->out.data + s->sent, s->out.len - s->sent);

		if (n == 0)
			break;
		s->sent += n;
		s->progress_us = monotonic_us();
	}
	drop_sent(s);
	if (s->ended)
		return;
	if (s->out.len == 0 && s->closing && !s->said_goodbye)
		say_goodbye(s);
	if (s->tell && stream_pending(s) < s->tell_below)
		stream_again(s);
}

static void flush_dirty(void *arg)
{
	struct streams *set = arg;

	while (set->dirty) {
		struct stream *s = set->dirty;

		set->dirty = s->next_dirty;
		s->is_dirty = false;
		flush(s);
	}
}

static void mark_dirty(struct stream *s)
{
	if (s->is_dirty)
		return;
	s->is_dirty = true;
	s->next_dirty = s->set->dirty;
	s->set->dirty = s;
}

static void give_kept(struct stream *s)
{
	size_t taken;

	if (s->in.len == 0 || s->paused || s->closing || s->ended)
		return;
	taken = s->handler->input(s->arg, buf_bytes(&s->in));
	buf_drop(&s->in, taken);
	if (s->in.len == 0)
		buf_free(&s->in);
}

/* Input memory is the loop's as long as the handler takes everything; only what it leaves is kept by the stream. */
static size_t take_in(struct stream *s, size_t room)
{
	size_t n, taken;

	if (s->in.len > 0 && !s->closing) {
		buf_reserve(&s->in, room);
		n = read_some(s, s->in.data + s->in.len, room);
		s->in.len += n;
		if (n > 0)
			give_kept(s);
		return n;
	}
	n = read_some(s, s->set->scratch, room);
	if (n == 0 || s->closing || s->ended)
		return n;
	taken = s->handler->input(s->arg, bytes_of(s->set->scratch, n));
	if (taken < n)
		buf_add(&s->in, s->set->scratch + taken, n - taken);
	return n;
}

static bool may_read(const struct stream *s)
{
	return !s->ended && (!s->paused || s->said_goodbye);
}

static void receive(struct stream *s)
{
	size_t left = STREAM_ROUND;

	/* SSL_has_pending, not the socket's EAGAIN, ends the reading: bytes inside OpenSSL make no event */
	while (left > 0 && may_read(s)) {
		size_t n = take_in(s, MIN(left, (size_t)16 * 1024));

		if (n == 0)
			return;
		left -= n;
		if (!s->ssl || !SSL_has_pending(s->ssl))
			return;
	}
	if (may_read(s))
		stream_again(s);
}

static void shake_hands(struct stream *s)
{
	int rc = 1;

	if (s->ssl) {
		ERR_clear_error();
		rc = SSL_do_handshake(s->ssl);
	}
	if (rc != 1) {
		not_ready(s, rc);
		return;
	}
	s->open = true;
	s->handler->open(s->arg);
	if (s->out.len > 0 || s->closing)
		mark_dirty(s);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	if (s->ended)
		return;
	if (!s->open)
		shake_hands(s);
	if (!s->open || s->ended)
		return;
	if (s->out.len > 0)
		flush(s);
	if (what & EV_READ || (s->ssl && SSL_want_write(s->ssl)))
		receive(s);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	if (s->ended) {
		s->handler->closed(s->arg, s->clean, s->why);
		return;
	}
	if (!s->open) {
		if (!s->ssl)
			shake_hands(s);
		return;
	}
	if (s->tell && stream_pending(s) < s->tell_below) {
		s->tell = false;
		s->handler->drained(s->arg);
	}
	give_kept(s);
	if (may_read(s))
		receive(s);
}

static bool start_tls(struct stream *s, SSL_CTX *ctx)
{
	s->ssl = SSL_new(ctx);
	if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1) {
		ERR_clear_error();
		return false;
	}
	SSL_set_accept_state(s->ssl);
	SSL_set_msg_callback(s->ssl, count_key_updates);
	SSL_set_msg_callback_arg(s->ssl, s);
	return true;
}

struct stream *stream_new(
	struct streams *set, int fd, SSL_CTX *ctx, const struct stream_handler *handler, void *arg)
{
	struct stream *s = g_new0(struct stream, 1);
	struct event_base *base = loop_base(set->loop);

	s->set = set;
	s->fd = fd;
	s->handler = handler;
	s->arg = arg;
	event_assign(&s->readable, base, fd, EV_READ | EV_PERSIST, on_ready, s);
	event_assign(&s->writable, base, fd, EV_WRITE, on_ready, s);
	evtimer_assign(&s->again, base, on_again, s);
	evutil_make_socket_nonblocking(fd);
	if ((ctx && !start_tls(s, ctx)) || event_add(&s->readable, NULL) != 0) {
		stream_free(&s);
		return NULL;
	}
	if (!ctx)
		stream_again(s);
	return s;
}

static void leave_dirty(struct stream *s)
{
	for (struct stream **p = &s->set->dirty; *p; p = &(*p)->next_dirty) {
		if (*p == s) {
			*p = s->next_dirty;
			return;
		}
	}
}

void stream_free(struct stream **sp)
{
	struct stream *s = *sp;

	if (!s)
		return;
	if (s->is_dirty)
		leave_dirty(s);
	event_del(&s->readable);
	event_del(&s->writable);
	event_del(&s->again);
	SSL_free(s->ssl);
	ERR_clear_error();
	close(s->fd);
	buf_free(&s->in);
	buf_free(&s->out);
	g_free(s);
	*sp = NULL;
}

struct buf *stream_output(struct stream *s)
{
	if (s->out.len == 0)
		s->progress_us = monotonic_us();
	mark_dirty(s);
	return &s->out;
}

size_t stream_pending(const struct stream *s)
{
	return s->out.len - s->sent;
}

int64_t stream_stuck(const struct stream *s, int64_t now_us)
{
	return stream_pending(s) > 0 ? now_us - s->progress_us : 0;
}

void stream_tell_drained(struct stream *s, size_t below)
{
	s->tell = true;
	s->tell_below = below;
	mark_dirty(s);
}

void stream_pause(struct stream *s, bool paused)
{
	if (s->paused == paused || s->ended)
		return;
	s->paused = paused;
	if (paused) {
		event_del(&s->readable);
	} else {
		event_add(&s->readable, NULL);
		stream_again(s);
	}
}

void stream_close(struct stream *s)
{
	if (s->closing || s->ended)
		return;
	s->closing = true;
	if (s->open)
		mark_dirty(s);
	else
		end(s, true, "closed");
}

void stream_abort(struct stream *s, const char *why)
{
	end(s, false, why);
}

bool stream_peer_key(const struct stream *s, uint8_t hash[32])
{
	return s->ssl && tls_peer_key_hash(s->ssl, hash);
}
