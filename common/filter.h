/*
 * Filters: field op value, and, or, not, parentheses. Parsing to a flat list of nodes; no recursion deeper than 64.
 */
#ifndef COMMON_FILTER_H
#define COMMON_FILTER_H

#include "common/arena.h"
#include "common/error.h"

#define FILTER_MAX_NODES 256
#define FILTER_MAX_BYTES 8192
#define FILTER_MAX_SAVED 8 /* saved filters within one another */

enum filter_op {
	FILTER_AND,
	FILTER_OR,
	FILTER_NOT,
	FILTER_EQ,
	FILTER_NE,
	FILTER_LT,
	FILTER_LE,
	FILTER_GT,
	FILTER_GE,
	FILTER_CONTAINS,
	FILTER_IN,
	FILTER_EMPTY,
	FILTER_NOT_EMPTY,
	FILTER_SAVED, /* @NAME: the saved filter of that name stands here; its name is the one value */
};

struct filter_node {
	enum filter_op op;
	int left;             /* index of the operand of and, or, not; -1 */
	int right;            /* index of the second operand of and, or; -1 */
	struct bytes path[3]; /* field, or reference fields before it: customer.city */
	int npath;
	struct bytes *values; /* one; several with in */
	size_t nvalues;
	size_t column;      /* in characters, from 1, of the field in the text */
	struct bytes text;  /* in which it stands */
	struct bytes saved; /* the saved filter whose text that is; len 0: none */
};

struct filter {
	struct filter_node *nodes;
	size_t n;
	int root; /* -1: matches all */
	struct bytes text;
};

/*
 * Parses into the arena. A mistake is STATUS_USAGE; the message names the column and the second and third line show the text with
 * a mark under it.
 */
enum status filter_parse(
	struct bytes text, struct arena *arena, struct filter *out, struct error *e);

/* Message with the text and a mark under column: for mistakes that only the schema shows (unknown field, bad value). */
enum status filter_error(const struct filter *f, size_t column, struct error *e, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
