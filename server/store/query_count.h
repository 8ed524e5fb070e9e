/* What counting and grouping share. Only query_count.c and query_group.c include this. */
#ifndef SERVER_STORE_QUERY_COUNT_H
#define SERVER_STORE_QUERY_COUNT_H

#include "server/store/plan.h"

struct count {
	struct txn *txn;
	const struct query *query;
	struct scope scope;
	struct plan plan;
	struct buf row;
	size_t read; /* records */
	struct error *e;
};

enum status count_open(struct count *c, struct txn *t, const struct query *q, struct error *e);
void count_close(struct count *c);

/* Called for each row that counts. */
typedef enum status count_row(void *arg, const struct stored *record, struct error *e);
/* Reads all candidates, newest first. */
enum status count_each(struct count *c, count_row *row, void *arg);
/* All records that are not in the trash, whatever the condition. */
enum status count_there(struct count *c, uint64_t *count);

#endif
