/*
 * Postings: for each value of an index the ids of the records that have it, ascending, in blocks. A list is named by its key without
 * an id: entity, tag, value for SPACE_IDX, the operation's number for SPACE_OPER. A row, whose value is not sealed, is:
 *
 *   key    list | first id of the block, 6 bytes big-endian
 *   value  nothing: this id alone; or
 *          varint ids in the block, varint last id - first id, then for each stretch of ids after the first
 *          varint (distance from the id before - 1) << 1 | r, and with r = 1 varint of the ids that follow it without a gap
 *
 * A value has at most POSTING_BYTES. Counting reads the two numbers at its head alone.
 *
 * Changes wait in the transaction, list by list, and are written in order when it commits; whoever reads a list in between finds them there.
 */
#ifndef SERVER_STORE_POSTING_H
#define SERVER_STORE_POSTING_H

#include "server/store/key.h"
#include "server/store/posting_block.h"
#include "server/store/store.h"

#define POSTING_BYTES 1024u
#define POSTING_ID 6 /* bytes of an id in a key */

/* A walk over entries (list, id), by list and id. It stands between two of them or on one. */
struct posting_walk;
/* Over one list; over all lists whose key starts with prefix (a field's: key_index). */
enum status posting_open(
	struct txn *t, enum space s, struct bytes list, struct posting_walk **out, struct error *e);
enum status posting_open_all(struct txn *t, enum space s, struct bytes prefix,
	struct posting_walk **out, struct error *e);
void posting_close(struct posting_walk **p);
/*
 * Stand before (list, id), whether there is such an entry or not: next gives the first at or after it, prev the last before it. Ids are below
 * UINT64_MAX: that one is behind all of a list. A seek within the block at hand reads nothing.
 */
void posting_seek(struct posting_walk *p, struct bytes list, uint64_t id);
/* Without a seek the first, the last. false past the end, where the walk keeps its place. */
bool posting_next(struct posting_walk *p, uint64_t *id);
bool posting_prev(struct posting_walk *p, uint64_t *id);
/* The list of the entry that was given last; valid until the next step. */
struct bytes posting_list(const struct posting_walk *p);

/*
 * All entries that follow in the next entry's block, as stretches of ids without gaps; the walk goes on behind them. For who wants all: it costs less
 * than a step an entry. Valid until the next step; such a walk goes on forward only.
 */
bool posting_next_block(struct posting_walk *p, const struct posting_run **runs, size_t *n);

/* For counts by value: as posting_next, and *count is how many entries of the list follow from this one on; the walk goes on behind them. Reads heads of blocks but at a seek. */
bool posting_next_list(struct posting_walk *p, uint64_t *id, uint64_t *count);

bool posting_has(struct txn *t, enum space s, struct bytes list, uint64_t id);
/* The first ids of a list after after_id, at most max. Returns how many. */
size_t posting_ids(struct txn *t, enum space s, struct bytes list, uint64_t after_id, uint64_t *ids,
	size_t max);
/* Entries of one list, from the heads of its blocks alone. */
uint64_t posting_count(struct txn *t, enum space s, struct bytes list);
/*
 * Entries from (low, low_id) on and before (high, high_id), from the heads of the blocks but at the two ends. Counting may end as soon as
 * there are more than most.
 */
uint64_t posting_count_range(struct txn *t, enum space s, struct bytes low, uint64_t low_id,
	struct bytes high, uint64_t high_id, uint64_t most);
/* An entry that stands already, or is not there, is no fault. */
enum status posting_add(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e);
enum status posting_remove(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e);

#endif
