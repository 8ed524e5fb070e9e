/*
 * Days that change a record by themselves: a contract begins or ends, a price becomes valid. A field with an attribute turn plans one
 * row of due and plan (plan.h) under PLAN_TURN + its tag, for the first minute of that day where the record's owner is.
 */
#ifndef SERVER_REMIND_TURN_H
#define SERVER_REMIND_TURN_H

#include "server/call/call.h"
#include "server/remind/plan.h"

static inline bool turn_is_tag(uint16_t tag)
{
	return tag > PLAN_TURN && tag < PLAN_TURN + TAG_CUSTOM;
}

/* Called in the observer for every record put. */
enum status turn_follow(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e);
/* Plans one such field anew: the time zone has changed. tag: PLAN_TURN and the field's. */
enum status turn_again(struct txn *t, int64_t now_ms, const struct entity *entity, uint16_t tag,
	const struct stored *record, struct error *e);
/* A due row of such a field: calls the hook of the record. */
enum status turn_fire(struct call *c, struct lookup *l, const struct due_row *row, struct error *e);

#endif
