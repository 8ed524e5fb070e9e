/*
 * From a request to its reply: finds the op's row, refuses early, runs it where it belongs.
 */
#ifndef SERVER_CALL_DISPATCH_H
#define SERVER_CALL_DISPATCH_H

#include "server/call/call.h"

/* Called exactly once, on whatever thread finished the call: posts to the session's loop, packs call->reply, then call_free. */
typedef void call_done(struct call *c, void *arg);

#define REQUEST_CEILING (16u * 1024 * 1024) /* memory of one request, for its arena */

/* Takes over the arena, in which the request stands unpacked already; request NULL: the server's own. NULL when the arena is full: it stays the caller's. */
struct call *call_new(struct server *server, struct arena *arena, const Guanxi__Request *request);
void call_free(struct call **c); /* frees the arena too */

/* Runs a read at once (done is called before it returns) or hands the call on. read_txn: the loop's renewed transaction. */
void dispatch(struct call *c, struct txn *read_txn, call_done *done, void *arg);
/*
 * As dispatch, for a caller that keeps its writes in their order: prepared is called, in the pool, when a write could go to the writer, and
 * the caller lets it go there with dispatch_prepared. NULL: it goes at once.
 */
void dispatch_in_order(
	struct call *c, struct txn *read_txn, call_done *prepared, call_done *done, void *arg);
void dispatch_prepared(struct call *c);

#endif
