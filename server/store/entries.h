/*
 * The entries of one field's index as queries read them: values in order, the ids of one value in order. The only
 * place of the planner that knows how an index is kept.
 */
#ifndef SERVER_STORE_ENTRIES_H
#define SERVER_STORE_ENTRIES_H

#include "server/store/key.h"
#include "server/store/posting_block.h"
#include "server/store/store.h"

/* One entry. The value is what stands between tag and id, valid until the next step. */
struct index_entry {
	struct bytes value;
	uint64_t id;
};

struct entries;
/* prefix: key_index() for all of a field, or a key of one value: its entries alone. */
enum status entries_open(
	struct txn *t, const struct key *prefix, struct entries **out, struct error *e);
void entries_close(struct entries **x);
/* The next step gives the first entry at or after this value and id, or the last one at or before it. */
void entries_seek(struct entries *x, struct bytes value, uint64_t id, bool down);
/* The same by a whole key: entity, tag, value, id. One of a field alone begins at its first entry. */
void entries_seek_key(struct entries *x, const struct key *key, bool down);
/* < 0: the entry stands before the key */
int entry_compare(const struct index_entry *en, const struct key *key);
bool entries_step(struct entries *x, bool down, struct index_entry *out);
/* Passes the entries of the next entry's value and block: the value, and their ids as stretches without gaps. */
bool entries_block(
	struct entries *x, struct bytes *value, const struct posting_run **runs, size_t *n);
/* Passes the entries of the next value: the first of them, and how many there are. */
bool entries_value(struct entries *x, struct index_entry *first, uint64_t *count);
bool entries_has(struct txn *t, const struct key *value, uint64_t id);
/* How many entries lie from low to high, both keys of the field, counted to max at most. */
size_t entries_count(struct txn *t, const struct key *low, const struct key *high, size_t max);

#endif
