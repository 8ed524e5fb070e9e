/*
 * Postings: for each value of an index the ids of the records that have it, ascending, in blocks. A list is named by its key without
 * an id: entity, tag, value for SPACE_IDX, the operation's number for SPACE_OPER. Layout of a row, values unsealed:
 *
 *   key    list | first id of the block: u8 n, n bytes big-endian without leading zeros (so that ids keep their order)
 *   value  nothing: this id alone; or
 *          varint ids in the block, varint last id - first id, then for each stretch of ids after the first
 *          varint (distance from the id before - 1) << 1 | r, and with r = 1 varint of the ids that follow it without a gap
 *
 * A block holds at most POSTING_BYTES. Counting reads the two numbers at its head alone.
 *
 * Changes wait in the transaction, list by list, and are written sorted when it commits; whoever reads a list in between finds them there.
 */
#ifndef SERVER_STORE_POSTING_H
#define SERVER_STORE_POSTING_H

#include "server/store/key.h"
#include "server/store/store.h"

#define POSTING_BYTES 1024u

/* A walk over the entries (list, id) of all lists whose key starts with prefix, by list and id: one list, or all values of a field. */
struct posting;
enum status posting_open(
	struct txn *t, enum space s, struct bytes prefix, struct posting **out, struct error *e);
void posting_close(struct posting **p);
/* The next posting_next gives the first entry at or after (list, id). */
void posting_seek(struct posting *p, struct bytes list, uint64_t id);
/* The next posting_prev gives the last entry before (list, id). */
void posting_seek_back(struct posting *p, struct bytes list, uint64_t id);
/* Without a seek the first, the last. false past the end (a seek goes on from anywhere). Seeks within the block at hand read nothing. */
bool posting_next(struct posting *p, uint64_t *id);
bool posting_prev(struct posting *p, uint64_t *id);
/* The list of the entry that was given last; valid until the next step. */
struct bytes posting_list(const struct posting *p);
/*
 * For counts by value: the list of the next entry, as posting_next, and how many entries are left in it; the walk goes on behind it.
 * Reads heads of blocks only.
 */
bool posting_next_list(struct posting *p, struct bytes *list, uint64_t *count);

bool posting_has(struct txn *t, enum space s, struct bytes list, uint64_t id);
/* Entries of one list; reads heads of blocks only. */
uint64_t posting_count(struct txn *t, enum space s, struct bytes list);
/*
 * Entries from (low, low_id) to (high, high_id), both included, of lists that start with prefix; counting ends at the first number of at least most.
 * An id of 0 or UINT64_MAX at an edge takes all of its list in or leaves it out. Reads heads of blocks but at the edges.
 */
uint64_t posting_count_range(struct txn *t, enum space s, struct bytes low, uint64_t low_id,
	struct bytes high, uint64_t high_id, uint64_t most);

/* An entry that stands already, or is not there, is no fault. */
enum status posting_add(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e);
enum status posting_remove(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e);

#endif
