/*
 * Bytes over one connection, with TLS or (on the local socket) without; the layer above cannot tell which. libevent tells
 * readiness, OpenSSL reads and writes the socket. All that is put into the output during a round of events goes out in one write after it.
 * Bounded: input by what the handler leaves untaken, work per wake-up, KeyUpdates. Deadlines are the handler's.
 * A stream stays on its loop. Knows no frames and no sessions.
 */
#ifndef SERVER_NET_STREAM_H
#define SERVER_NET_STREAM_H

#include "common/buf.h"
#include "server/loop/loop.h"

struct ssl_ctx_st;
struct stream;
struct streams; /* those of one loop: shared input memory, who has something to send */

#define STREAM_ROUND (64u * 1024) /* bytes taken in per wake-up */
#define STREAM_KEY_UPDATES 32     /* a minute */

struct stream_handler {
	void (*open)(void *arg); /* the handshake is done */
	/* Returns how many bytes it took; the rest comes again with what follows. It may call everything here but stream_free. */
	size_t (*input)(void *arg, struct bytes in);
	void (*drained)(void *arg); /* asked for by stream_tell_drained */
	/* The last call: free the stream in it. clean: the peer said goodbye, or we did. why is constant text. */
	void (*closed)(void *arg, bool clean, const char *why);
};

struct streams *streams_new(struct loop *l); /* on any thread, before the loop runs */
void streams_free(struct streams **set);     /* after its streams */

/* Takes over fd. ctx NULL: no TLS, open is called at the first round. NULL when memory or OpenSSL fail (fd is closed). */
struct stream *stream_new(struct streams *set, int fd, struct ssl_ctx_st *ctx,
	const struct stream_handler *handler, void *arg);
void stream_free(struct stream **s); /* closes the descriptor at once */

/* Append to it; it is sent after this round. */
struct buf *stream_output(struct stream *s);
size_t stream_pending(const struct stream *s); /* bytes of output not sent yet */
/* Microseconds since output stopped moving; 0 when there is none. */
int64_t stream_stuck(const struct stream *s, int64_t now_us);
/* drained is called once when less than this is pending. */
void stream_tell_drained(struct stream *s, size_t below);
/* No more input is read or given until paused is false again. */
void stream_pause(struct stream *s, bool paused);
/* Gives the untaken input again in the next round. */
void stream_again(struct stream *s);
/* Sends what is pending, says goodbye, waits for the peer's; then closed. The handler bounds the wait with stream_abort. */
void stream_close(struct stream *s);
void stream_abort(struct stream *s, const char *why); /* closed is called in the next round */
/* SHA-256 of the key of the peer's certificate; false if it has none. */
bool stream_peer_key(const struct stream *s, uint8_t hash[32]);

#endif
