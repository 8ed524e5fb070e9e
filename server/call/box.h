/*
 * A call as the dispatcher, the writer and the reply functions see it: what ops need not know. Lives in the call's arena.
 */
#ifndef SERVER_CALL_BOX_H
#define SERVER_CALL_BOX_H

#include "server/call/dispatch.h"
#include "server/model/model.h"
#include <glib.h>

#define REPLY_MAX (FRAME_MAX - 4096) /* room for status and what surrounds the rows */
#define BUSY_RETRY_MS 200

struct box {
	struct call call; /* first: a call is its box */
	const struct op *op;
	call_done *prepared; /* or NULL */
	call_done *done;
	void *arg;
	Guanxi__Reply reply;
	Guanxi__Status status;
	struct error error; /* of the pool and the loop; the writer has its own */
	size_t reply_bytes;
	GHashTable *named;    /* any_ref() of the names that the reply has */
	struct caller *fresh; /* read anew because the rights had changed; in use as call.caller */
};

static inline struct box *box_of(struct call *c)
{
	return (struct box *)(void *)c;
}
static inline const struct box *box_of_const(const struct call *c)
{
	return (const struct box *)(const void *)c;
}

/* A record as the caller may see it, in the arena; names of its references go into the reply. NULL with an error. */
Guanxi__Record *record_for(
	struct call *c, const struct entity *entity, const struct stored *s, struct error *e);

/* Forgets what a run has left: it will run again, or its effects are not wanted. */
void call_rewind(struct call *c);
/* Lets go what belongs to the transaction of the run. */
void call_end_run(struct call *c);
/* The op as the writer runs it, in c->txn: rights and deadline again, the reply of an earlier request with the same key, the op, its reply kept. */
op_fn dispatch_write;
/* Fills reply->status and calls done. e is cleared. */
void dispatch_finish(struct call *c, enum status st, struct error *e);

/* Replies kept for a repeated request (space idem: user u64, hash of key [16] -> u8 layout 1, u64 expiry ms, hash of request [16], Reply). */
#define IDEM_KEY_MAX 128
#define IDEM_MS (7 * 24 * 3600 * 1000LL)
/* *known: c->reply is the earlier one. STATUS_CONFLICT when the key belongs to another request. */
enum status idem_find(struct call *c, bool *known, struct error *e);
enum status idem_keep(struct call *c, struct error *e);
/* Drops expired rows among the next few; *at is where to go on (replaced). */
enum status idem_sweep(struct txn *t, int64_t now_ms, struct buf *at, struct error *e);

#endif
