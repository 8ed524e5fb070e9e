/* Operations as records: what a job is doing, and what a single change was. */
#ifndef SERVER_OP_OPERATION_H
#define SERVER_OP_OPERATION_H

#include "server/op/journal.h"
#include "server/op/target.h"

/* The record of an operation, made from the journal or, of one transaction, from the log. The caller's own; administrators: any. */
enum status operation_read(
	struct target *t, uint64_t id, struct buf *room, struct stored *out, struct error *e);

/* Arg "total" of a change: it is the first of a bulk change that its client drives; kind: JOB_SET or JOB_DELETE. Nothing without that arg. */
enum status operation_bulk(struct target *t, enum job_kind kind, struct error *e);

#endif
