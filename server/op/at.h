/* A record as it stood at an instant. */
#ifndef SERVER_OP_AT_H
#define SERVER_OP_AT_H

#include "server/op/target.h"

/* The argument "at": an instant or a date (its beginning in the caller's zone). *at 0: none. */
enum status at_read(struct target *t, int64_t *at_ms, struct error *e);
/* Replaces the record's fields by the entered ones of then, in room; what the caller's rights of now hide is left out. STATUS_NOT_FOUND before it was added. */
enum status at_state(
	struct target *t, int64_t at_ms, struct stored *record, struct buf *room, struct error *e);

#endif
