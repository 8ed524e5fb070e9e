/* The bytes of a block of postings and the stretches of ids that they stand for. Knows no transactions; server/store/posting.h has the layout. */
#ifndef SERVER_STORE_POSTING_BLOCK_H
#define SERVER_STORE_POSTING_BLOCK_H

#include "common/buf.h"

struct posting_run {
	uint64_t first, n; /* ids without a gap */
};

struct posting_runs {
	struct posting_run *items;
	size_t n, cap;
};

struct posting_change {
	uint64_t id;
	bool add; /* else remove */
};

/* Adds ids behind all that stand; joins them to the last run when there is no gap. */
void posting_runs_add(struct posting_runs *runs, uint64_t first, uint64_t n);
void posting_runs_free(struct posting_runs *runs);
/* Adds to out what runs are after the changes (ascending ids, each once). */
void posting_runs_change(const struct posting_runs *runs, const struct posting_change *changes,
	size_t n, struct posting_runs *out);

/* The head of a block that starts with first. false when it is malformed. */
bool posting_block_head(struct bytes value, uint64_t first, uint64_t *last, uint64_t *count);
/* Adds the ids of a block to runs (all greater than those in it); false when it is malformed. */
bool posting_block_read(uint64_t first, struct bytes value, struct posting_runs *runs);
/* Whether the block has the id, which is at least first; false as well when it is malformed. */
bool posting_block_has(uint64_t first, struct bytes value, uint64_t id);

/*
 * Writes the value (replaced) of a block from run *at, *skip ids of it left out, with values of at most max bytes (20 at least); *at and *skip move on to
 * what did not fit. *first becomes the block's first id.
 */
void posting_block_write(const struct posting_runs *runs, size_t *at, uint64_t *skip, size_t max,
	uint64_t *first, struct buf *value);
/* Bytes of the runs in one block, without its head. */
size_t posting_block_size(const struct posting_runs *runs);
/* value (replaced) becomes old with ids added that are all greater than its last one; false when that needs more than max bytes. */
bool posting_block_append(uint64_t first, struct bytes old, const struct posting_change *changes,
	size_t n, size_t max, struct buf *value);

#endif
