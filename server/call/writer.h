/*
 * The one thread that writes. It takes what is queued, runs each call in one transaction, commits once, then finishes every call.
 * A call that fails before its first put is skipped; one that fails after it makes the batch run again without it.
 */
#ifndef SERVER_CALL_WRITER_H
#define SERVER_CALL_WRITER_H

#include "server/call/dispatch.h"

struct writer *writer_new(struct server *server, size_t queue_max);
/* false when the queue is full: the caller answers busy. */
bool writer_submit(struct writer *w, struct call *c, call_done *done, void *arg);
/* The server's own writes (timers, migration): fn runs in a transaction of the batch. users it wakes go into c. done may be NULL. */
bool writer_submit_own(struct writer *w, op_fn *fn, void *prepared, call_done *done, void *arg);
size_t writer_queue(const struct writer *w);
/* Runs what is queued, then joins. */
void writer_free(struct writer **w);

#endif
