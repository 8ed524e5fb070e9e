/*
 * When a setting of the calendar or a time zone changes, every row of the plan is made anew: later, in batches, by the timer.
 */
#ifndef SERVER_REMIND_REPLAN_H
#define SERVER_REMIND_REPLAN_H

#include "server/call/call.h"
#include "server/remind/plan.h"

/* Whether a change moves what others planned. */
bool replan_needed(const struct schema *schema, const struct entity *entity,
	const struct stored *before, const struct stored *after);
/* Asks for it, from the beginning; in the transaction of the change. */
enum status replan_ask(struct txn *t, struct error *e);
bool replan_asked(struct txn *t);
/* One batch. */
enum status replan_some(struct call *c, struct lookup *l, struct error *e);

#endif
