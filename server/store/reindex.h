/*
 * Whether idx, uniq, term and pend are those that this program would write, and building them anew from rec and calc.
 *
 *   meta "indexes" -> signature[32], or "rebuilding" from before the first delete until all is built
 */
#ifndef SERVER_STORE_REINDEX_H
#define SERVER_STORE_REINDEX_H

#include "server/store/generation.h"

/* Says in meta that the indexes are those of this program: of a new store, and when a rebuild has ended. */
enum status reindex_sign(struct txn *t, struct error *e);
enum status reindex_sign_as(struct txn *t, const struct generation *g, struct error *e);
/* Appends what is derived from a field: nothing when no row is. */
void reindex_describe(const struct entity *en, const struct shape_field *sf, struct buf *out);
/* *wanted: they were made by other rules or for other fields, or a rebuild was cut off. */
enum status reindex_wanted(struct txn *t, bool *wanted, struct error *e);
/* Builds all anew, in many transactions: whoever finds it cut off starts it again. Nobody else has the store. */
enum status reindex_run(struct store *s, struct store_reindexed *done, struct error *e);

#endif
