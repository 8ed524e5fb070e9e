/*
 * What a watching session gets next: events packed from its user's inbox, from its own cursor. Every record is checked against the caller's scope and masks at the moment of packing.
 */
#ifndef SERVER_CALL_FEED_H
#define SERVER_CALL_FEED_H

#include "server/call/call.h"
#include "server/remind/inbox.h"
#include <glib.h>

struct feed {
	bool backlog;        /* passing over what is acknowledged, until the end is reached once */
	uint64_t inbox;      /* last row looked at */
	uint64_t inbox_sent; /* last number sent */
	uint64_t missed;     /* older ones that wait and are not sent: said first */
	bool unbroken;       /* in this round: the row before was sent */
	uint64_t backlog_until; /* what is not above it was there when the watch began */
};

/* From what a call of op watch asked for. */
void feed_start(struct feed *f, const struct call *c, struct txn *t);
/* Appends at most max frames, and to sent what was sent (struct inbox_sent). True when more is there. */
bool feed_next(struct feed *f, struct server *server, struct txn *t, const struct caller *caller,
	bool chinese, size_t max, struct buf *out, GArray *sent);
/* An op_fn for the writer: writes down what was sent; c->prepared is the GArray. */
enum status feed_write_sent(struct call *c, struct error *e);
void feed_heartbeat(struct buf *out);
/* Says which fields and dictionaries are in use, unless that is what the client was told last (*told, a generation's number). */
void feed_schema(const struct server *server, uint64_t *told, struct buf *out);
void feed_closing(struct buf *out, const char *reason);
/* What needs an administrator; it has no number and is not sent again. */
void feed_alarm(struct buf *out, const char *text);

#endif
