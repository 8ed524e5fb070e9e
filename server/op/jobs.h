/*
 * Work that the server does by itself in slices, one transaction each: jobs of the journal. Others write in between; what a job
 * has claimed they find busy until it has ended.
 */
#ifndef SERVER_OP_JOBS_H
#define SERVER_OP_JOBS_H

#include "server/op/journal.h"

/* Given to a slice as its call's prepared: how the one before ended. */
struct job_slice {
	enum status failed; /* not STATUS_OK: this slice takes back what the job has done */
	char message[256];
	/* What the slices so far of a check have gathered, and for which operation. Whoever owns this frees it. */
	struct model_gathering *gathered;
	uint64_t gathered_for;
};

/* A slice ends when it has put so much or taken so long. */
struct slice {
	struct txn *txn;
	size_t puts;
	int64_t until_us;
};
void slice_begin(struct slice *s, struct txn *t);
bool slice_over(const struct slice *s);

/* One slice of a job of this kind; the job's row is written by it. What fails turns the job back. */
typedef enum status job_slice_fn(
	struct call *c, struct job *job, struct job_slice *how, struct error *e);
job_slice_fn undo_job_slice, delete_job_slice, restore_job_slice, merge_job_slice,
	offboard_job_slice;
/* Of any kind: takes back what the job has done. */
job_slice_fn undo_job_back;
/* What a job finds before its first change: refused, with why. A failure that is none of what was asked for is given back. */
enum status job_refuse(
	struct call *c, struct job *job, enum status s, struct error *why, struct error *e);
/* More than this many records are changed by a job. */
#define CHANGE_AT_ONCE 500
/* Begins one and says so in the reply; named as in struct job. */
enum status job_begin(struct call *c, struct job *job, struct error *e);

/* A job that is not finished; 0: none. */
uint64_t jobs_next(struct txn *t);
/* Whether there is something to do: a job, or the trash is to be looked at. */
bool jobs_waiting(struct txn *t, int64_t now_ms);
/* One slice of the first unfinished job, or without one of emptying the trash, as an own write of the server. */
op_fn jobs_slice;
/* For store_guard: STATUS_BUSY for a change that another's job must not meet. */
store_guard_fn jobs_guard;

/* The operation of the record's newest change that was not taken back; UINT64_MAX: the server's own. */
uint64_t job_newest(struct txn *t, const struct job *job, const struct entity *entity, uint64_t id);
/* That change belongs to the job or to what it takes back. */
bool job_claims(struct txn *t, const struct job *job, const struct entity *entity, uint64_t id);

#endif
