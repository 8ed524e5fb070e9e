/*
 * The journal: what spans many transactions and must survive the end of the server. A job has a row here, written before its first
 * change and advanced in the transaction of each of its slices, and a record of the entity operation, which people see.
 *
 * Rows of the space meta, all numbers big-endian:
 *   "job" 0x00 | operation u64                 -> layout u8 2, kind u8, state u8, refused u8, key[16], 19 x u64, four texts (u32 length each; layout 1 has no named)
 *   "job" 0x01 | user u64, key[16]             -> operation u64: the import that a client can go on with
 *   "job" 0x02 | operation u64                 -> operation u64: the server has to work on it
 *   "job" 0x04 | operation u64                 -> operation u64: its client has not said that it has come to the end
 *   "job" 0x03 | operation u64, first row u64  -> Reply with the refused rows of one request of an import
 */
#ifndef SERVER_OP_JOURNAL_H
#define SERVER_OP_JOURNAL_H

#include "server/call/call.h"

#define JOB_KEY 16

enum job_kind {
	JOB_IMPORT = 1, /* driven by its client */
	JOB_UNDO,
	JOB_DELETE,
	JOB_RESTORE,
	JOB_SET,
	JOB_MERGE,
	JOB_OFFBOARD,
};

enum job_state {
	JOB_RUNNING = 1,
	JOB_DONE,
	JOB_PARTIAL, /* some of it could not be done */
	JOB_REFUSED, /* found impossible: nothing stands changed */
	JOB_UNDONE,
};

enum { JOB_PHASE_CHECK, JOB_PHASE_CHANGE, JOB_PHASE_SETTLE, JOB_PHASE_BACK };

struct job {
	uint64_t operation;
	enum job_kind kind;
	enum job_state state;
	enum status refused; /* why, with message */
	uint8_t key[JOB_KEY];
	uint64_t user, session;
	uint64_t started_ms, touched_ms, finished_ms;
	uint64_t entity; /* of the records of a bulk change */
	uint64_t target; /* undo: the operation that it takes back */
	uint64_t phase;
	uint64_t at;    /* number of the log that the phase has reached; 0: at its start */
	uint64_t total; /* records in its list; 0: not counted yet */
	uint64_t done;  /* of them, or rows of an import that were taken */
	uint64_t line;  /* of the last row */
	uint64_t added, updated, unchanged, skipped, rejected;
	uint64_t checked;
	struct bytes reason, address, message; /* valid as long as the room they were read into */
	/* what it was asked to work on, u64 big-endian each: records of entity that nobody else changes until it has ended; then what its kind needs */
	struct bytes named;
	uint64_t nnamed; /* of the first */
};

extern const char *const job_kind_names[];
extern const char *const job_state_names[]; /* codes of the dictionary operation_state */

/* STATUS_NOT_FOUND leaves e alone: the operation was one transaction. */
enum status journal_read(
	struct txn *t, uint64_t operation, struct buf *room, struct job *out, struct error *e);
/* Replaces the row. */
enum status journal_write(struct txn *t, const struct job *job, struct error *e);
/* Names the call's operation, unless it has one, and writes the job's first row and its record; user, times, reason and address are the call's. */
enum status journal_begin(struct call *c, struct job *job, struct error *e);
/* The row of an operation of one transaction, for what the log does not tell: what an undo took back. */
enum status journal_note(struct call *c, struct job *job, struct error *e);
/*
 * The row and the record of a bulk change that its client drives, when the first of total records has been changed in the call's operation: partial
 * until the client says that it has come to the end.
 */
enum status journal_bulk(
	struct call *c, struct job *job, const struct entity *entity, struct error *e);
/* The server works on it by itself. */
static inline bool journal_by_server(const struct job *job)
{
	return job->kind == JOB_UNDO || job->named.len;
}
/* Its client has not said so yet. */
static inline bool journal_open_bulk(const struct job *job)
{
	return (job->kind == JOB_SET || job->kind == JOB_DELETE) && job->state == JOB_PARTIAL &&
	       !job->finished_ms && !journal_by_server(job);
}
/* The last row of the job, with its state; the record follows. */
enum status journal_finish(struct call *c, struct job *job, enum job_state state, struct error *e);

/* The fields of the record that shows it. */
void journal_fields(struct call *c, const struct job *job, const char *kind, struct buf *out);

/* The first operation after this number on which the server has to work. */
bool journal_running(struct txn *t, uint64_t after, uint64_t *operation);

/* The first operation that its client drives and in which nothing has happened since before_ms. */
bool journal_abandoned(struct txn *t, int64_t before_ms, uint64_t *operation);

/* The unfinished import of the user with this key; 0 if there is none. */
uint64_t journal_import(struct txn *t, uint64_t user, const uint8_t key[JOB_KEY]);

/* Refused rows of an import; first: number of the first row of the request. */
enum status journal_refused(struct txn *t, uint64_t operation, uint64_t first,
	const Guanxi__Reply *rows, struct error *e);
/* The next such reply from *first on, packed into room; *first becomes its number. false when there is none. */
bool journal_refused_next(struct txn *t, uint64_t operation, uint64_t *first, struct buf *packed);

#endif
