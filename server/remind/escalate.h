/*
 * Reminders that nobody acknowledges: after some days who stands above is told. Rhythms, cases and steps of plans escalate after
 * reminder.escalate_days, others when the reminder itself names days or a user. The row of due stands under PLAN_ESCALATE. The reminder made for
 * the superior has the source "escalation:CODE" of the rule, or "escalation:#ID" of the reminder, and goes with it.
 */
#ifndef SERVER_REMIND_ESCALATE_H
#define SERVER_REMIND_ESCALATE_H

#include "server/call/call.h"
#include "server/remind/plan.h"

#define PLAN_ESCALATE 0xFFF2u

/* After a reminder was written. */
enum status escalate_follow(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e);
enum status escalate_fire(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e);

#endif
