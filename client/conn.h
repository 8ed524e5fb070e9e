/*
 * One TLS 1.3 connection to a server, frames in and out. Knows nothing of requests or profiles.
 * The server is trusted by its CA only: the pin is the SHA-256 of the CA's SubjectPublicKeyInfo.
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include "common/buf.h"
#include "common/error.h"
#include "common/frame.h"

#define CONNECT_MS 10000

struct conn;

struct conn_options {
	const char *host;
	const char *port;
	/* Trust: the CA's pin in lower-case hex. NULL: whatever CA the server shows (conn_pin tells it). */
	const char *pin;
	struct bytes key_pem, certificate_pem; /* of this device; empty: none */
	int64_t deadline_us;                   /* monotonic, of the whole run; 0: none */
};

/* UNREACHABLE, UNTRUSTED (the certificate does not fit) or TIMEOUT (deadline_us). */
enum status conn_open(const struct conn_options *o, struct conn **out, struct error *e);
void conn_close(struct conn **c);

const char *conn_pin(const struct conn *c); /* of the server's CA, hex */

/* Takes over at the next conn_receive or conn_flush, in one write. */
void conn_queue(struct conn *c, const Guanxi__Frame *frame);
size_t conn_queued(const struct conn *c); /* bytes not written yet */
enum status conn_flush(struct conn *c, struct error *e);
/*
 * Writes what is queued and waits for a frame until until_us (monotonic; 0: 60 s of silence is UNREACHABLE).
 * STATUS_TIMEOUT when until_us has passed. *body is valid until the next call.
 */
enum status conn_receive(struct conn *c, int64_t until_us, struct bytes *body, struct error *e);
#endif
