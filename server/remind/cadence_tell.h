/*
 * Reminders of rhythms: made and marked anew when a step fires, finished when nothing is owed any more. source_rule is
 * "cadence:CODE" for who owes, "escalation:CODE" for the superior, "pool:CODE" for one from whom a record was taken.
 */
#ifndef SERVER_REMIND_CADENCE_TELL_H
#define SERVER_REMIND_CADENCE_TELL_H

#include "server/remind/cadence.h"

/* What a user is told. */
struct telling {
	struct call *call;
	const struct entity *entity; /* the record that it is about */
	const struct stored *record;
	uint64_t user;
	const char *source; /* source_rule */
	const char *kind;   /* code of reminder_kind */
	struct bytes title;
	const struct due_row *row; /* that fired */
	civil_date occurrence;
};
/* The user's open reminder with this source fires again, else one is made. */
enum status telling_tell(const struct telling *w, struct error *e);

/* Whether a user reads Chinese. */
bool remind_chinese(struct txn *t, uint64_t user);

/* Open reminders of the record by the rule: finished when they are owed no longer (d NULL: nothing is), else given to who owes now. */
enum status cadence_clear(struct txn *t, const struct author *author,
	const struct cadence_rule *rule, const struct duty *d, const struct stored *record,
	struct error *e);

#endif
