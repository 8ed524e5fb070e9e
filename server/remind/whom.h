/*
 * Who is reminded at the moment of firing: never nobody, and never only somebody who cannot look.
 *
 * The user whom the field's row names, else the owner, else the owner of what the record follows. One who was suspended or left is replaced by
 * the deputy, else by the next of these, else by the superior; then come the branch's manager, who made the record, and the administrators.
 * Somebody with a deputy until a day that has not passed is away: the deputy gets it as well.
 */
#ifndef SERVER_REMIND_WHOM_H
#define SERVER_REMIND_WHOM_H

#include "server/remind/inbox.h"
#include "server/remind/plan.h"

/* The deputy of a user who is away on the day of now_ms; 0: not away, or the deputy cannot look either. */
uint64_t whom_stand_in(struct txn *t, uint64_t user, int64_t now_ms);
/* The nearest above a user who can look: superior, the team's leader, the branch's manager; never the user. 0: nobody. */
uint64_t whom_above(struct txn *t, uint64_t user);
/* First administrators by number, at most max. Returns how many. */
size_t whom_administrators(struct txn *t, uint64_t *users, size_t max);
/* Puts a row into the user's inbox and into that of the stand-in, and says whom the author tells of it. now: row->fired_ms. */
enum status whom_deliver(struct txn *t, const struct author *author, uint64_t user,
	struct inbox_row *row, struct error *e);
/* Marks a reminder done for the user and for all that stand in. */
enum status whom_clear(struct txn *t, const struct author *author, uint64_t user, uint64_t reminder,
	uint64_t seq, struct error *e);

#endif
