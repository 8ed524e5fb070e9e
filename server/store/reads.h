/*
 * What a read transaction has looked at, as marks, by which a later write transaction tells whether it would find all of it unchanged: then
 * what was worked out from it still holds. Marks are hashes: two that are equal by chance make it say no, never yes.
 */
#ifndef SERVER_STORE_READS_H
#define SERVER_STORE_READS_H

#include "server/store/store.h"

struct reads {
	uint64_t *marks;
	size_t n, cap;
	uint64_t kinds; /* a bit for the space and entity of each */
	bool unknown;   /* something was read of which no account is kept: they never hold */
};

void reads_clear(struct reads *r);
void reads_free(struct reads *r);
/* Adds what stands in more. */
void reads_add(struct reads *r, const struct reads *more);

/*
 * From now on what t reads is noted in r, besides what stands there; NULL: nowhere. Returns where it was noted until now. For read transactions:
 * of a write transaction nothing is noted.
 */
struct reads *txn_note_reads(struct txn *t, struct reads *r);
/* Notes what was read before, by the same transaction, as if it were read again now. */
void txn_read_again(struct txn *t, const struct reads *r);
/* The last commit that t is sure to have in its snapshot. */
uint64_t txn_snapshot(const struct txn *t);
/* Whether nothing of what was read in that snapshot was changed by a commit since, or in t, a write transaction. After many commits the answer is no. */
bool reads_hold(struct txn *t, uint64_t snapshot, const struct reads *r);

#endif
