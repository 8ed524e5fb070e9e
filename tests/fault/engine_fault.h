/*
 * An engine that hands everything to another one and fails at a chosen call. One plan at a time for the whole program: the
 * engine's functions have no place for an argument of their own.
 */
#ifndef TESTS_FAULT_ENGINE_FAULT_H
#define TESTS_FAULT_ENGINE_FAULT_H

#include "server/store/engine.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_IO,   /* the call fails as if the disk did: every kind of call */
	FAULT_FULL, /* put, del and commit fail for want of room */
	FAULT_TORN, /* a put keeps a damaged value and says nothing */
};

/* From now on calls are counted from 1 and the at-th that the kind concerns fails, once. */
void fault_arm(enum fault_kind kind, size_t at);
/* Whether the armed fault has happened. */
bool fault_happened(void);

extern const struct engine_ops engine_fault; /* above engine_lmdb */

#endif
