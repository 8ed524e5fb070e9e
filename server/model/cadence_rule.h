/*
 * A cadence rule as it is read from its record: which records owe an action, and how often.
 */
#ifndef SERVER_MODEL_CADENCE_RULE_H
#define SERVER_MODEL_CADENCE_RULE_H

#include "server/model/lookup.h"
#include "server/store/query.h"

/* Its planned rows stand under the tag CADENCE_TAG + id: above the tags of all fields. */
#define CADENCE_TAG 0xE000u
#define CADENCE_RULES 0x0FFFu /* greatest id of a rule */
#define CADENCE_MANY 12       /* steps, days ahead, references that matter */
#define CADENCE_WATCHED 40    /* fields of the record that matter */

enum cadence_rhythm { RHYTHM_PERIOD, RHYTHM_STEPS, RHYTHM_SILENCE };
enum cadence_action { ACTION_ACTIVITY, ACTION_VISIT, ACTION_SALE };
enum cadence_period {
	PERIOD_NONE,
	PERIOD_WEEK,
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_HALF_YEAR,
	PERIOD_YEAR
};

/* What an entry of a dictionary says of the period. */
struct cadence_entry {
	uint64_t entry;
	enum cadence_period period;
};

/* All pointers live as long as the arena and the schema that it was read with. */
struct cadence_rule {
	uint64_t id;
	const char *code, *zh, *en; /* en: zh when there is none */
	const char *setting;        /* that holds its figures; "" */
	bool active, escalate, to_pool, workdays;
	const struct entity *entity; /* whose records it watches */
	struct condition *condition; /* NULL: all of them */
	enum cadence_rhythm rhythm;
	enum cadence_action action;
	enum cadence_period period;       /* without period_field */
	const struct field *period_field; /* a choice whose entries say the period */
	struct cadence_entry *periods;
	size_t nperiods;
	int ahead[CADENCE_MANY]; /* descending; none: the usual ones of the period */
	size_t nahead;
	int steps[CADENCE_MANY]; /* ascending */
	size_t nsteps;
	const struct field *since;    /* a date or instant of the record */
	int64_t factor;               /* ten-thousandths */
	int minute;                   /* local time of the day */
	const struct entity *actions; /* activity or sale */
	const struct field *names;    /* of actions: the reference to the record */
	const struct field *kind;     /* of actions: the choice that decides whether one counts */
	uint64_t *counting;           /* its entries that count; none: all */
	size_t ncounting;
	const struct field
		*latest; /* of entity: computed date of the last action; NULL: they are read */
	uint64_t *over;  /* entries by which a record says that its work is over */
	size_t nover;
	uint32_t watched[CADENCE_WATCHED]; /* fields of the record on which the rule depends */
	size_t nwatched;
	const struct field *through[CADENCE_MANY]; /* references whose far end matters too */
	size_t nthrough;
	bool computed; /* the filter reads computed fields */
};

/* Fields that say how far the work on a record is; NULL at the end. */
extern const char *const cadence_progress[];

/* STATUS_INVALID with all bad fields. */
enum status cadence_rule_read(struct lookup *l, struct arena *arena, const struct stored *record,
	struct cadence_rule *out, struct error *e);
/* The usual days ahead of a period. */
size_t cadence_usual(enum cadence_period period, int ahead[CADENCE_MANY]);

/* The rules of a new store, on or off. What stands already stays as it is. */
struct cadence_row {
	const char *code, *zh, *en, *entity, *filter, *rhythm, *action, *period, *period_from,
		*setting, *days_before, *since, *factor, *escalate, *to_pool, *workdays;
};
extern const struct cadence_row cadence_rows[]; /* ends with code NULL */

#endif
