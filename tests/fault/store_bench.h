/*
 * A small store of its own for tests: customers with contacts and tasks, users, branches. Failing steps abort the program with the
 * place named, so that tests stay short; functions that are themselves under test return their status.
 */
#ifndef TESTS_FAULT_STORE_BENCH_H
#define TESTS_FAULT_STORE_BENCH_H

#include "common/record.h"
#include "server/store/log.h"
#include "server/store/query.h"
#include "server/store/store.h"
#include "tests/fault/engine_fault.h"

enum bench_tag {
	CUSTOMER_CODE = 1,
	CUSTOMER_NAME,
	CUSTOMER_PHONE, /* personal if a person, indexed, searched */
	CUSTOMER_CITY,
	CUSTOMER_TAGS,
	CUSTOMER_LEVEL, /* integer, indexed */
	CUSTOMER_OWNER,
	CUSTOMER_BRANCH,
	CUSTOMER_NOTE,
	CUSTOMER_SCORE, /* computed, indexed */
	CUSTOMER_READING,
	CONTACT_NAME = 1,
	CONTACT_CUSTOMER,
	TASK_TITLE = 1,
	TASK_CUSTOMER,
	TASK_CONTACT,
	TASK_ASSIGNEE,
	TASK_OWNER,
	PLAIN_NAME = 1,
};

struct store_bench {
	char dir[64];
	char path[80];
	uint64_t map_size;
	const struct engine_ops *ops;
	struct schema *schema;
	struct store *store;
	const struct entity *customer, *contact, *task, *user, *branch;
	struct author author;
};

void bench_open(struct store_bench *b, const struct engine_ops *ops, uint64_t map_size);
/* Opens the store at a path that stays. */
enum status bench_open_at(
	struct store_bench *b, const char *path, bool create, bool read_only, struct error *e);
void bench_close(struct store_bench *b); /* takes the files away */
void bench_reopen(struct store_bench *b);
struct schema *bench_schema(void);

struct txn *bench_begin(struct store_bench *b, bool write);
void bench_commit(struct txn **t);

/* Puts a record; 0 as *id adds. */
enum status bench_put(struct store_bench *b, struct txn *t, const struct entity *en, uint64_t *id,
	const char *kind, const struct buf *fields, struct error *e);
/* Adds a customer: code "C%06u", name, phone, city, level and tags made from n. owner, branch 0: none. Returns its id. */
uint64_t bench_add_customer(
	struct store_bench *b, struct txn *t, unsigned n, uint64_t owner, uint64_t branch);
void bench_customer_fields(unsigned n, uint64_t owner, uint64_t branch, struct buf *out);
/* Changes one field of a record as it stands: run is its new wire form, empty clears it. */
enum status bench_set(struct store_bench *b, struct txn *t, const struct entity *en, uint64_t id,
	const char *kind, uint32_t tag, struct bytes run, struct error *e);
enum status bench_delete(struct store_bench *b, struct txn *t, const struct entity *en, uint64_t id,
	struct error *e);
enum status bench_restore(struct store_bench *b, struct txn *t, const struct entity *en,
	uint64_t id, struct error *e);
/* Prints every damage to stderr; returns how many. */
size_t bench_check(struct store_bench *b);

/* A number that differs when any key or value of the store does. */
uint64_t bench_digest(struct store_bench *b);

#endif
