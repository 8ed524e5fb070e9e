/* Rules of rhythm before they are switched on. */
#ifndef SERVER_OP_RULE_H
#define SERVER_OP_RULE_H

#include "server/op/target.h"

#define RULE_ASKS 100000 /* reminders of one period from which on switching on is to be confirmed */

/* STATUS_USAGE with reason "confirm" when the write switches on a rule that would make more than RULE_ASKS reminders a period, without arg confirm. */
enum status rule_confirmed(
	struct target *t, const struct stored *before, struct bytes fields, struct error *e);

#endif
