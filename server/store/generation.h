/*
 * The fields as they stood after one commit: immutable once published, held by whoever works with it, freed by the last of them.
 *
 * The head counts in one word which generation is current and how often it was taken, so that taking it is one addition and no lock. A
 * generation counts how often it was given back; when another one becomes current, what was taken is added to that, and whoever finds
 * nothing left frees it.
 *
 *   meta "fields" -> generation u64
 *   meta "fieldused" tag u16 -> nothing: a custom field has had a value
 *   meta "fieldjob" entity u16 tag u16 -> state: how its index is being built (field_job.h)
 */
#ifndef SERVER_STORE_GENERATION_H
#define SERVER_STORE_GENERATION_H

#include "server/store/internal.h"

#define GENERATIONS 64 /* alive at the same time */

struct generation {
	uint64_t number;
	struct schema *kept; /* what is written: shapes are of it */
	struct schema
		*visible; /* what is asked: without indexes that are being built; may be kept */
	const struct schema *base;
	struct shape *shapes;
	size_t nshapes;
	uint16_t operation_entity; /* whose next id counts operations */
	size_t jobs;
	struct generations *head;
	unsigned slot;
	_Atomic int64_t left; /* see above */
};

struct generations {
	_Atomic uint64_t current; /* slot << 48 | taken */
	struct generation *_Atomic slots[GENERATIONS];
};

/* The generation that the rows of t make (its own writes included), with the indexes' signature written when t writes. */
enum status generation_make(struct txn *t, struct generation **out, struct error *e);
/* The generation of the tables alone: before the rows can be read. */
enum status generation_first(struct store *s, struct generation **out, struct error *e);
/* Makes it current; the writer's thread only. BUSY when GENERATIONS are still in use: it is the caller's then. */
enum status generation_publish(struct generations *head, struct generation *g, struct error *e);
bool generation_room(const struct generations *head);
struct generation *generation_take(struct generations *head);
bool generation_is_current(const struct generation *g);
/* One that was never published. */
void generation_free(struct generation **g);
/* At the end: nobody holds any. */
void generations_free(struct generations *head);

#endif
