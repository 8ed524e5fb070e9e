/*
 * A compiled filter as the planner sees it. Only condition*.c, plan.c and query*.c include this.
 */
#ifndef SERVER_STORE_CONDITION_H
#define SERVER_STORE_CONDITION_H

#include "server/store/query.h"

#define CONDITION_PATH                                                                             \
	4 /* a reference that is compared by name adds one step to the filter's three */

/* What a value names: one value (low and high the same) or a stretch of them (this-month); both ends belong to it. */
struct operand {
	struct wire_field low, high;
	struct bytes normal; /* of text types; with CONTAINS the folded text */
	struct bytes typed;  /* with CONTAINS: as it was typed */
};

struct condition_node {
	enum filter_op op;
	int left, right; /* as in the filter */
	int npath;       /* steps; the last one is the field that is compared */
	const struct entity *entity[CONDITION_PATH];
	const struct field *field[CONDITION_PATH];
	struct operand *operands;
	size_t noperands;
};

struct condition {
	struct condition_node *nodes;
	size_t n;
	int root; /* -1: all */
	unsigned classes;
};

static inline const struct field *condition_field(const struct condition_node *n)
{
	return n->field[n->npath - 1];
}

/* Whether a record at the end of the path has a value of the kind that the node names: = also for !=, a value also for is empty. */
bool condition_leaf_meets(const struct condition_node *n, const struct stored *record);

/* The filter with the saved filters that it names put in their places, in the arena. A filter that contains itself is STATUS_USAGE. */
enum status condition_expand(const struct filter *f, const struct entity *entity,
	const struct parse_context *ctx, struct arena *arena, struct filter *out, struct error *e);

/*
 * The ids of all records whose field f may contain the folded text, in no order, some perhaps twice. False when the index of
 * search cannot tell or there are more than max.
 */
bool search_gather(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes folded, uint64_t *ids, size_t max, size_t *n);

#endif
