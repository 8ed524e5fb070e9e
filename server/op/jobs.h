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
};

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
