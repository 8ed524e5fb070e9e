/*
 * From a request to its reply: finds the op's row, refuses early, runs it where it belongs.
 */
#ifndef SERVER_CALL_DISPATCH_H
#define SERVER_CALL_DISPATCH_H

#include "server/call/call.h"

/*
 * A new call in an arena of its own. done is called exactly once, on whatever thread finished it; it posts to the session's loop,
 * packs call->reply and then calls call_free. start takes over the request (already unpacked in arena).
 */
typedef void call_done(struct call *c, void *arg);

struct call *call_new(struct server *server, struct arena *arena, const Guanxi__Request *request);
void call_free(struct call **c); /* frees the arena too */

/* Runs a read at once (done is called before it returns) or hands the call on. read_txn: the loop's renewed transaction. */
void dispatch(struct call *c, struct txn *read_txn, call_done *done, void *arg);

#endif
