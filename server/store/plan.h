/*
 * How a query is answered: where its candidates come from and in which order. Only query*.c, plan.c, source.c and order.c include this.
 * Every candidate is checked on its record; a source may give too many, never too few.
 */
#ifndef SERVER_STORE_PLAN_H
#define SERVER_STORE_PLAN_H

#include "server/store/condition.h"
#include "server/store/key.h"

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
void position_write(const struct order *o, const struct position *p, struct buf *out);
enum status position_read(
	const struct order *o, struct bytes token, struct position *out, struct error *e);

/* Where candidates come from. */

enum source_kind {
	SOURCE_ALL,   /* all records, by id */
	SOURCE_LISTS, /* index entries of some values together, by id */
	SOURCE_IDS,   /* ids gathered before, by id */
	SOURCE_RANGE, /* a stretch of one index, by value and id */
};

#define SOURCE_LISTS_MAX 64
#define SOURCE_IDS_MAX 5000
#define ESTIMATE_MAX 2000

struct source {
	enum source_kind kind;
	const struct field *field; /* whose index; NULL: scope */
	uint64_t id_low, id_high;  /* ALL */
	struct key *lists;         /* LISTS: prefixes of idx keys */
	size_t nlists;
	uint64_t *ids; /* IDS, ascending */
	size_t nids;
	struct key low, high; /* RANGE: entries between them, both included */
	size_t estimate;      /* entries, counted to ESTIMATE_MAX + 1 */
	size_t covers;        /* parts of the condition that are certain to be met */
};

void source_free(struct source *s);
size_t source_estimate(struct txn *t, const struct entity *entity, const struct source *s);

/* The ids of a source one after the other. */
struct cursor;
enum status cursor_open(struct txn *t, const struct entity *entity, const struct source *s,
	bool descending, struct cursor **out, struct error *e);
/* Goes on after this id (ALL, LISTS, IDS). */
void cursor_after_id(struct cursor *c, uint64_t id);
/* Goes on after this value and id (RANGE). */
void cursor_after_key(struct cursor *c, const struct position_key *key, uint64_t id);
bool cursor_next(struct cursor *c, uint64_t *id);
/* RANGE: the value of the entry that next gave. */
void cursor_key(const struct cursor *c, struct position_key *out);
void cursor_close(struct cursor **c);

struct plan {
	struct source source;
	bool streaming;     /* the source gives the rows in the order asked for */
	bool then_unset;    /* after the source those without a value, from rest, newest first */
	struct source rest; /* by id */
	size_t parts;       /* of the condition, joined by and */
};

enum status plan_make(struct txn *t, const struct query *q, const struct order *order,
	struct plan *out, struct error *e);
void plan_free(struct plan *p);
void plan_explain(
	const struct plan *p, const struct query *q, const struct order *order, struct buf *out);
bool plan_sees_all(const struct query *q);

#endif
