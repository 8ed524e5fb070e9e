/* Operations as records: what a job is doing, and what a single change was. */
#ifndef SERVER_OP_OPERATION_H
#define SERVER_OP_OPERATION_H

#include "server/op/target.h"

/* The record of an operation, made from the journal or, of one transaction, from the log. The caller's own; administrators: any. */
enum status operation_read(
	struct target *t, uint64_t id, struct buf *room, struct stored *out, struct error *e);

#endif
