/* What the files of the import share: a request's rows, what is worked out of them before the writer has them, and taking them. */
#ifndef SERVER_OP_IMPORT_H
#define SERVER_OP_IMPORT_H

#include "server/op/journal.h"
#include "server/op/target.h"
#include "server/store/reads.h"

#define ROWS_MAX 1000
#define COLUMNS_MAX 256

enum on_conflict { CONFLICT_FAIL, CONFLICT_SKIP, CONFLICT_UPDATE };

/* A row as it was read, and perhaps checked, before the writer has time for it. All in the call's arena. */
struct ready_row {
	bool read; /* fields and cleared are what its cells say, whatever has changed since */
	struct bytes fields;
	const uint32_t *cleared;
	size_t ncleared;
	bool checked; /* it passed every check: so it does again when what was read then still holds */
	struct reads reads;
	bool found;
	uint64_t id;
	struct bytes entered; /* fields without what the server sets */
	struct bytes record;  /* what is put */
	uint16_t numbered;    /* field of it whose number is only put off; 0: none */
	struct ready_terms terms;
};

struct ready {
	uint64_t generation; /* by whose fields and dictionaries the rows were read */
	const struct caller *caller;
	uint64_t snapshot;
	struct reads shared; /* by the look-up, for all of them */
	struct ready_row rows[];
};

struct import {
	struct target t;
	const struct field *columns[COLUMNS_MAX];
	size_t n;
	const struct field *key; /* NULL: every row is new */
	size_t key_column;
	enum on_conflict on_conflict;
	bool journalled;
	struct job job;
	struct buf job_room;
	uint64_t first; /* number of the request's first row in the whole import */
};

/* A row on its way. */
struct row {
	const Guanxi__Row *in;
	const struct ready_row *ready; /* or NULL */
	struct patch patch;
	struct buf room, whole, checked;
	struct buf stamps; /* who changed it last and when, as the file says */
	struct stored before;
	bool found;
	uint64_t id;
	const char *action;
};

/* import_row.c */
enum status row_parse(struct import *im, struct row *row, struct error *e);
/* Everything that can be wrong with it; what it says is read from row->ready when that has it. */
enum status row_check(struct import *im, struct row *row, struct error *e);
void row_free(struct row *row);
/* What is one row's fault; anything else ends the call. */
bool is_row_fault(enum status s);

/* import_prepare.c: op.prepare of the rows. What it leaves is only offered: without it the writer comes to the same result. */
enum status import_prepare(struct call *c, struct error *e);
/* What was made ready of the i-th row; NULL: nothing that the writer may use. */
const struct ready_row *ready_of(const struct import *im, size_t i);
/* Takes over the result of the check when what it was made from still holds. */
bool row_checked_before(struct import *im, struct row *row, struct error *e);

/* import_answer.c: the result of a row in the reply. */
enum status row_answer(struct import *im, struct row *row, enum status status,
	const struct error *why, struct error *e);
/* One that was taken by an earlier request, whose answer the client has not seen. */
enum status row_taken(struct import *im, const Guanxi__Row *in, struct error *e);

/* import.c: the request's entity, columns and key. */
enum status import_open(struct call *c, struct import *im, bool columns, struct error *e);

#endif
