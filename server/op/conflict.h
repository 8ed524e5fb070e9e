/*
 * Two edits from the same version: what changed since, and whether it is what the caller changes too.
 */
#ifndef SERVER_OP_CONFLICT_H
#define SERVER_OP_CONFLICT_H

#include "server/op/target.h"

/*
 * CONFLICT with the present and the sent value of every field that changed after the version and is to be changed to something else.
 * What cannot be told any more (erased) counts as changed.
 */
enum status conflict_check(struct target *t, const struct stored *now, uint64_t version,
	const struct patch *patch, struct error *e);

#endif
