/*
 * What stands in inboxes follows the records: a reminder that is deleted, restored, handed to another user or brought back by an undo;
 * a reminder that a field made, when the field's record is closed, gets another date or another owner.
 */
#ifndef SERVER_REMIND_FOLLOW_H
#define SERVER_REMIND_FOLLOW_H

#include "server/remind/plan.h"

/* After a reminder was written: its inbox rows and its snooze say what the record says. */
enum status follow_reminder(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e);
/* After any other record was written: the open reminders that its fields made. before is not NULL. */
enum status follow_source(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e);
/* Plans anew what follows a record whose owner has changed or that was archived or brought back: a customer's contacts. */
enum status follow_down(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *after, struct error *e);
/* Whether a reminder was made for this row already. */
bool follow_fired(struct txn *t, const struct entity *entity, const struct field *field,
	const struct stored *record, const struct due_row *row);

#endif
