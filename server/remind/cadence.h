/*
 * Rhythms: records that owe an action by a cadence rule. Of each record and rule the next firing alone is planned, as a row of due and
 * plan (plan.h) under the rule's tag; occurrence is the day of the limit, nth says which step it is. Whether a firing is still owed is
 * worked out from the record when it is due.
 *
 *   meta "cadence"              -> eight bytes that differ after every change of the rules
 *   meta "cadence_todo" id u64  -> the rule is to be planned anew for the records after this id
 */
#ifndef SERVER_REMIND_CADENCE_H
#define SERVER_REMIND_CADENCE_H

#include "server/call/call.h"
#include "server/model/cadence_rule.h"
#include "server/remind/plan.h"

#define CADENCE_ESCALATE 0x4000u /* nth of the step behind the limit */

/* The rules in use, read once and again when they, the fields or the dictionaries have changed. Of one thread. */
struct cadence_rules {
	struct arena *arena;
	struct generation *generation;
	uint8_t stamp[8];
	struct cadence_rule *rules;
	size_t n;
};
/* *cache: NULL at first; freed by cadence_rules_free. NULL: they cannot be read. */
const struct cadence_rules *cadence_rules_of(struct cadence_rules **cache, struct txn *t);
void cadence_rules_free(struct cadence_rules **cache);
const struct cadence_rule *cadence_rule_tagged(const struct cadence_rules *rules, uint16_t tag);
static inline uint16_t cadence_tag(const struct cadence_rule *rule)
{
	return (uint16_t)(CADENCE_TAG + rule->id);
}
static inline bool cadence_is_tag(uint16_t tag)
{
	return tag > CADENCE_TAG && tag <= CADENCE_TAG + CADENCE_RULES;
}

/* What a record owes by a rule. */
struct duty {
	struct txn *txn;
	const struct cadence_rule *rule;
	uint64_t record;
	uint64_t user;   /* its owner */
	uint64_t branch; /* whose calendar of working days counts */
	const struct zone *zone;
	enum cadence_period period;
	civil_date acted; /* of the last action that counts; 0: none */
	int64_t made_ms;  /* when the record was made */
	civil_date since; /* from where steps are counted */
	int gap;          /* of silence: days of its own rhythm; 0: it has none yet */
};
/* false: it owes nothing: closed, archived, in the trash, without owner, another filter or no period. */
bool duty_read(struct txn *t, const struct cadence_rule *rule, const struct stored *record,
	struct duty *out);
/* Who is reminded of it now. */
uint64_t duty_user(struct txn *t, const struct duty *d, const struct stored *record);
/* The first step after an instant. false: there is none. */
bool duty_next(const struct duty *d, int64_t after_ms, struct due_row *out);
/* Whether a limit is one of this duty and still not kept. */
bool duty_open(const struct duty *d, civil_date limit);
/* Whether a step concerns the superior. */
bool duty_escalates(const struct cadence_rule *rule, uint16_t nth);

/* Called in the observer for every record put, after remind_plan. cache as for cadence_rules_of. */
enum status cadence_follow(struct cadence_rules **cache, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e);
/* Plans one record anew: its row, and its open reminders that are owed no longer or by another. */
enum status cadence_plan(struct txn *t, const struct author *author,
	const struct cadence_rule *rule, uint64_t id, bool fresh, struct error *e);
/* The same, of the rule with this tag; nothing when it is not in use. */
enum status cadence_again(struct call *c, uint16_t tag, uint64_t id, struct error *e);
/* A due row of a rule. */
enum status cadence_fire(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e);

/* Whether rules wait to be planned anew, and one slice of that. */
bool cadence_asked(struct txn *t);
bool cadence_waits(struct txn *t, uint64_t rule); /* this one */
enum status cadence_some(struct call *c, struct error *e);
/* Plans a rule anew from the first record on, by the timer. */
enum status cadence_ask(struct txn *t, uint64_t rule, struct error *e);

/* Compares what is planned with what the rules ask for; a sentence for each that differs. Returns how many. */
size_t cadence_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg);

/*
 * For the board of the day: the records of a user whose limit by some rule lies on one of the days today to today + days, in no order, at
 * most max. A limit that has passed stands in an open reminder. Reads the user's own records: for the pool.
 */
struct cadence_breach {
	const struct entity *entity;
	uint64_t id;
	uint64_t rule;    /* id of the cadence_rule */
	civil_date limit; /* last day */
};
size_t cadence_breaking(struct txn *t, uint64_t user, civil_date today, int days,
	struct cadence_breach *out, size_t max);

#endif
