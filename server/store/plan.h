/*
 * How a query is answered: which sets of ids are read, and in which order. Only query*.c, plan*.c and order.c include this.
 * A candidate is checked on its record unless the plan says that the indexes tell all; a plan may name too many, never too few.
 */
#ifndef SERVER_STORE_PLAN_H
#define SERVER_STORE_PLAN_H

#include "server/store/condition.h"
#include "server/store/ids.h"

/* Order of the rows. Equal ones by id: in the direction of the first key; records without a value come last, newest first. */

#define ORDER_MAX 4

struct order_key {
	const struct field *field;
	const struct field *reading; /* corrects it; or NULL */
	bool descending;
};

struct order {
	struct order_key keys[ORDER_MAX]; /* none: by id */
	size_t n;
	bool id_descending; /* with n = 0 */
};

/* Where a record stands in an order; also the token of a page. */
struct position {
	struct position_key {
		bool has;
		uint8_t len;
		uint8_t data[KEY_MAX];
	} keys[ORDER_MAX];
	uint64_t id;
};

enum status order_parse(
	struct bytes sort, const struct entity *entity, struct order *out, struct error *e);
void order_position(const struct order *o, const struct stored *record, struct position *out);
/* < 0: a comes first */
int order_compare(const struct order *o, const struct position *a, const struct position *b);
/* The same by the first field alone. */
int order_compare_first(const struct order *o, const struct position *a, const struct position *b);
void position_write(const struct order *o, const struct position *p, struct buf *out);
enum status position_read(
	const struct order *o, struct bytes token, struct position *out, struct error *e);

/* After each record of long work; *n counts them. */
#define PAUSE_RECORDS 4096
static inline void query_pause(const struct query *q, size_t *n)
{
	if (++*n % PAUSE_RECORDS == 0 && q->pause)
		q->pause(q->pause_arg);
}

/* Ways. */

enum way {
	WAY_IDS,   /* the set in the order of ids, row after row */
	WAY_INDEX, /* along the index of the order's field, ids that are in the set */
	WAY_GROUPS, /* along the index of the order's first field, the best of those that are equal in it */
	WAY_BEST,   /* the best of all in the set */
	WAY_PLACES, /* the set in the order of the places of the order's field */
};

struct plan {
	enum way way;
	struct ids *ids;       /* candidates */
	struct ids *stretch;   /* INDEX, GROUPS: of the index that is walked */
	struct places *places; /* PLACES */
	bool then_unset;       /* after the stretch those without a value, newest first */
	bool exact;            /* every id of the set is a row */
	bool scans; /* some part of the condition is answered by no index, and no other one makes the candidates few */
	bool counts; /* made for a count: no order, no page */
	bool slow; /* brief was asked for, and making the plan would take too long: there is none */
	double all; /* records of the entity, or a little more */
};

/* counts: for a number, not for rows. */
enum status plan_make(struct txn *t, const struct query *q, const struct order *order, bool counts,
	struct plan *out, struct error *e);
/* Makes the set ready to name the records without a value, newest first, after the stretch. */
enum status plan_rest(struct plan *p, struct txn *t, const struct query *q, struct error *e);
void plan_free(struct plan *p);
void plan_explain(
	const struct plan *p, const struct query *q, const struct order *order, struct buf *out);
bool plan_sees_all(const struct query *q);

/* Between the files of the planner. */

struct planner {
	struct txn *txn;
	const struct query *query;
	const struct order *order;
	struct plan *plan;
	bool unknown; /* a part of the condition is known to no index */
	struct error *e;
};

/* The index of deletions holds what no other one does. */
static inline bool plan_indexed(const struct field *f)
{
	return (f->flags & F_INDEXED) && !(f->flags & F_VIRTUAL) && f->tag != TAG_DELETED_AT;
}

/* Entries stand in the order of values, one for each record. */
static inline bool plan_ordered(const struct field *f)
{
	return plan_indexed(f) && !key_is_hashed(f) && !type_is_list(f->type);
}

/* Whether places of an entity's fields are made when they are wanted: by who has time. */
bool plan_makes_places(const struct planner *p, const struct entity *entity);
/* Gives the large stretches of a set places. */
void plan_equip(struct planner *p, struct ids *x);
/* The ids that a node of the condition allows; NULL when no index knows. */
struct ids *plan_node(struct planner *p, int node);
/* What the caller may see of an entity, found by the entries of owner and branch; NULL: all. */
struct ids *plan_scope(const struct planner *p, const struct entity *entity, bool trash);
/* The whole index of a field. */
struct ids *plan_whole_index(const struct entity *entity, const struct field *f);
/* Makes one stretch of two of the same field. */
void plan_narrow(struct ids *to, const struct ids *from);
/* The stretch of one value. */
struct ids *plan_stretch_of(const struct ids *list);

#endif
