/*
 * Firing: every due row up to now becomes a reminder, an entry of the log and a row in the inbox of who is reminded now;
 * then the next occurrence is planned. One transaction.
 */
#ifndef SERVER_REMIND_FIRE_H
#define SERVER_REMIND_FIRE_H

#include "server/remind/plan.h"
#include "server/remind/remind.h"

#define FIRE_BATCH 200      /* rows a transaction */
#define LATE_MS (60 * 1000) /* fired more than this after its due time: late */

/* How a batch is fired when one before it has failed: fewer rows, or the first one put off so that the others are not held up. */
struct fire_how {
	size_t most; /* rows, at most FIRE_BATCH */
	bool put_off;
};
#define FIRE_PUT_OFF_MS (10 * 60 * 1000)

/* An op_fn for the writer; c->prepared may be a struct fire_how. More rows than FIRE_BATCH may be due: the timer looks again. */
enum status fire_due(struct call *c, struct error *e);

/* Fields of a reminder record by name, set over base; appends the sorted record to out. */
struct reminder_patch {
	const char *name;
	uint64_t number;   /* for numbers; signed types are converted by the caller with zigzag() */
	struct bytes text; /* for texts */
	bool is_text;
};
void reminder_merge(const struct entity *entity, struct bytes base,
	const struct reminder_patch *patch, size_t n, struct buf *out);

/* What goes into the log and the inbox of a user when a reminder has fired. */
struct fire_delivery {
	uint64_t user, reminder;
	const struct due_row *row; /* that fired */
	civil_date occurrence;
	bool late;
	uint16_t entity; /* what the reminder is about */
	uint64_t id;
};
/* The sessions of the user are woken after the commit. */
enum status fire_deliver(struct call *c, const struct fire_delivery *d, struct error *e);

/* When the last firing was, and its lag: kept in meta. */
void fire_noted(struct txn *t, int64_t *fired_ms, int64_t *lag_ms);

#endif
