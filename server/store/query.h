/*
 * Lists, counts and search, each restricted by a scope.
 */
#ifndef SERVER_STORE_QUERY_H
#define SERVER_STORE_QUERY_H

#include "common/filter.h"
#include "common/type.h"
#include "server/store/store.h"

/* A filter with its fields found and its values in wire form. */
struct condition;
/* STATUS_USAGE with the column marked. Made in the arena. */
enum status condition_compile(const struct filter *f, const struct entity *entity,
	const struct parse_context *ctx, struct arena *arena, struct condition **out,
	struct error *e);
bool condition_match(const struct condition *c, struct txn *t, const struct scope *scope,
	const struct stored *record);
/* Bits 1 << enum field_class of the fields that it reads: who may not see a class must not ask for its values either. NULL: none. */
unsigned condition_classes(const struct condition *c);

/*
 * Whether it asks for records by what names one of them and nothing else: comparisons by = joined by and, at least one of them of the name,
 * the number, a unique field, a phone or an e-mail address.
 */
bool condition_names_exactly(const struct condition *c, const struct entity *entity);

struct query {
	const struct entity *entity;
	const struct scope *scope;
	const struct condition *condition; /* NULL: all */
	struct bytes sort;                 /* "-updated_at,name"; empty: newest id first */
	bool trash;                        /* only deleted records */
	uint32_t limit;
	bool brief; /* give up at the deadline (cut, without rows) where an order needs a whole scan */
	int way; /* of tests: 1 + the enum way that is taken wherever it can be; 0: the cheapest */
	struct bytes after; /* token of the page before, unsealed; empty: first page */
	void (*pause)(
		void *arg); /* called now and then in long work, so that others go on; or NULL */
	void *pause_arg;
};

/* Called once per row; false ends the page early (the row counts as given). */
typedef bool query_row(void *arg, const struct stored *record);

struct query_result {
	struct buf next;    /* token; empty on the last page. Free it. */
	struct buf explain; /* the plan in words. Free it. */
	bool scans; /* some part of the filter is answered by no index, and many records were read for it */
	bool cut; /* the page ended because its time was over, not because it was full */
};

/* deadline_us: monotonic time when the page ends; 0 none. */
enum status query_run(struct txn *t, const struct query *q, int64_t deadline_us, query_row *row,
	void *arg, struct query_result *out, struct error *e);
enum status query_count(struct txn *t, const struct query *q, uint64_t *count, struct error *e);
/* How query_count would count, in words. out is replaced. */
enum status query_explain_count(
	struct txn *t, const struct query *q, struct buf *out, struct error *e);
/* What is counted together: values that = takes for equal; of dates and instants also those of some months of the calendar. */
struct query_by {
	const struct field *field;
	int months; /* 0: by values; 1, 3, 12: a value's run is that of the first day, as a date */
	const struct zone *zone; /* of instants' days */
};
/* Counts by the values of one field; calls group once per value (run in wire form; empty: not set). */
enum status query_count_by(struct txn *t, const struct query *q, const struct query_by *by,
	void (*group)(void *arg, struct bytes run, uint64_t count), void *arg, struct error *e);

/*
 * Search over the names, keywords, phones ... of entities: Chinese substring, pinyin in full or by initials, Latin words by
 * prefix, four digits and more. Ranked: whole, start, inside; within a rank by entity, newest first. Only classes in class_mask (bit
 * 1 << enum field_class) are searched. next: token of the next page, empty on the last one. A page that has used up its steps
 * (about 100 ns each) ends early, with a token.
 */
typedef bool search_row(void *arg, const struct entity *entity, const struct stored *record);
struct search_request {
	struct txn *txn;
	const struct scope *scope;
	const struct entity *const *entities;
	size_t nentities;
	struct bytes text;
	unsigned class_mask;
	uint32_t limit;
	size_t steps;       /* 0: no end */
	struct bytes after; /* token of the page before, unsealed; empty: first page */
	search_row *row;    /* as query_row */
	void *arg;
};
enum status search_entities(const struct search_request *r, struct buf *next, struct error *e);
/* The same of one entity, without an end. */
enum status search_run(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct bytes text, unsigned class_mask, uint32_t limit, struct bytes after, query_row *row,
	void *arg, struct buf *next, struct error *e);
/* Whether text is found in the searched fields of a record: 0 no, 1 inside, 2 start, 3 whole. Also the meaning of ~ on names. */
int search_match(
	const struct entity *entity, struct bytes fields, struct bytes text, unsigned class_mask);
/* For the store alone: the terms of a record, each added or taken away, sorted. */
struct posting {
	uint64_t id;
	uint32_t term;
	uint16_t entity;
	bool remove;
};
struct postings {
	struct posting *items; /* free() */
	size_t n, cap;
};
/* Appends what changes between two records (each may be empty): unsorted. */
void search_terms_diff(const struct store *s, const struct entity *entity, uint64_t id,
	struct bytes before, struct bytes after, struct postings *out);
/* As search_terms_diff, from terms made by another description of the entity. */
void search_terms_change(const struct store *s, uint64_t id, const struct entity *then,
	struct bytes before, const struct entity *now, struct bytes after, struct postings *out);
/* Adds the terms of a new record with the help of those that txn_offer_terms has offered; false: they do not fit. */
bool search_terms_ready(struct txn *t, const struct entity *entity, uint64_t id,
	struct bytes before, struct bytes after);
/* Writes the postings of a commit as pending rows. */
enum status search_store_postings(struct txn *t, struct postings *p, struct error *e);

#endif
