/*
 * Emptying the trash: once a day of the business clock everything in it is looked at, in slices, each an own write of the server. Where a run
 * stands is a row of the space meta: "purge" -> layout u8 1, running u8, again u8, next u64 (ms), entity u16, deleted u64 (ms), id u64,
 * round u64, run u64, last u64: records that went in this round, this run, the last run.
 */
#ifndef SERVER_OP_PURGE_H
#define SERVER_OP_PURGE_H

#include "server/call/call.h"

struct purge_state {
	bool running;
	bool again;      /* something could not go before others had */
	int64_t next_ms; /* when the next run begins */
	uint16_t entity; /* place in the schema */
	int64_t deleted; /* of the record that was looked at last */
	uint64_t id;
	uint64_t round, run, last;
};

/* A store that knows of no run yet has an empty state: one is due. */
enum status purge_read(struct txn *t, struct purge_state *out, struct error *e);
bool purge_due(struct txn *t, int64_t now_ms);
/* One slice. put_off: the one before failed; the run ends. */
enum status purge_slice(struct call *c, bool put_off, struct error *e);

#endif
