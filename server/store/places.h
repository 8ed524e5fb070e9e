/*
 * What the index of a field says of each id, in memory: its place in the order of the entries, or (of a reference) the record that it names.
 * So a stretch of the index is a comparison of two numbers, rows are sorted without being read, and references are followed without a look-up.
 *
 * They are made from an index by whoever needs them first, as of his snapshot. Later snapshots use them as well: ids that the log names since
 * then are marked, and are asked of their records. When too many are marked, they are made anew. Nobody waits for anybody: who cannot have them
 * goes another way.
 */
#ifndef SERVER_STORE_PLACES_H
#define SERVER_STORE_PLACES_H

#include "server/store/key.h"
#include "server/store/store.h"

#define PLACE_NONE 0u        /* no entry */
#define PLACE_ASK UINT32_MAX /* the record knows */
#define PLACES_MAKE_US 0.08  /* for each entry */

/* Of one store. */
struct places_table;
struct places_table *places_table_new(void);
void places_table_free(struct places_table **p);

/* Whether the index of the field can be held like this: entries by value, one for each record, told of in the log. */
bool places_fit(const struct field *f);
/*
 * Those that are right for the snapshot, of a read transaction; NULL: there are none. make: makes them if need be. refs: of a reference, the ids that it names instead of
 * places. Given back before the transaction ends or is renewed.
 */
struct places;
struct places *places_take(
	struct txn *t, const struct entity *entity, const struct field *f, bool refs, bool make);
void places_give(struct places **p);

/* The place of an id, from 1; the id that it refers to; PLACE_NONE, PLACE_ASK. */
uint32_t places_at(const struct places *p, uint64_t id);
/* The least place at or after an entry (entity, tag, value, id); one more than the greatest when there is none. */
uint32_t places_from(const struct places *p, struct txn *t, const struct key *entry);
/* Marked so far: ids of which only the record knows. It grows while others use them. */
size_t places_marked(const struct places *p);
uint64_t places_marked_id(const struct places *p, size_t i);
/* Ids with places from one to before another, without the first so many marked ones. */
uint64_t places_count(const struct places *p, uint32_t from, uint32_t before, size_t marked);

#endif
