/*
 * What a reminding field asks for, and its rows in due and plan.
 *
 * due  instant u64, entity u16, id u64, tag u16, nth u16 -> occurrence u32, user u64
 * plan entity u16, id u64, tag u16 -> n x (instant u64, nth u16)
 * nth numbers the days ahead; a snoozed reminder stands under PLAN_SNOOZE, the mail to a user under PLAN_DIGEST.
 */
#ifndef SERVER_REMIND_PLAN_H
#define SERVER_REMIND_PLAN_H

#include "server/model/model.h"
#include "server/remind/series.h"

#define PLAN_SNOOZE 0xFFF0u
#define PLAN_DIGEST 0xFFF1u /* of a user: when the next mail is written */
#define PLAN_TURN 0xD000u   /* + tag of a field: its day changes the record */
#define PLAN_MAX 16         /* different days ahead of one field */

struct due_row {
	int64_t instant;
	uint16_t entity;
	uint64_t id;
	uint16_t tag;
	uint16_t nth;
	civil_date occurrence;
	uint64_t user;
};

/* What one field of one record asks for. */
struct asking {
	const struct entity *entity;
	const struct field *field;
	struct series series;
	int ahead[PLAN_MAX]; /* days ahead, at least one */
	size_t nahead;
	int minute;    /* local time of the day */
	uint64_t user; /* who is reminded, 0: nobody */
	const struct zone *zone;
	/* The day of reminding is moved off holidays of the branch of who is reminded. */
	enum { MOVE_NONE, MOVE_BEFORE, MOVE_AFTER } move;
	struct txn *txn;
	uint64_t branch;
};

/* false when the record asks for nothing through this field: not set, closed, archived, deleted. */
bool asking_read(struct txn *t, struct lookup *l, const struct entity *entity,
	const struct field *field, const struct stored *record, struct asking *out);
/* The next row of nth with an occurrence on or after from whose day is not before today. false: none. */
bool asking_next(const struct asking *a, size_t nth, civil_date from, civil_date today, uint64_t id,
	struct due_row *out);

/* Who is reminded of a record through a field now: whom.h. 0 only when there is no administrator. */
uint64_t remind_user_of(struct txn *t, const struct entity *entity, const struct field *field,
	const struct stored *record);
const struct zone *user_zone(struct txn *t, uint64_t user);
/* Whether a record that this one follows is archived or in the trash: a contact's customer. */
bool plan_closed_above(struct txn *t, const struct entity *entity, const struct stored *record);

/* Replaces the planned rows of one field (n may be 0). */
enum status plan_replace(struct txn *t, uint16_t entity, uint64_t id, uint16_t tag,
	const struct due_row *rows, size_t n, struct error *e);
/* The rows now planned, at most max. */
size_t plan_read(struct txn *t, uint16_t entity, uint64_t id, uint16_t tag, struct due_row *rows,
	size_t max);
/* Takes the fired row out and puts the next one (NULL: none) in. */
enum status plan_advance(
	struct txn *t, const struct due_row *fired, const struct due_row *next, struct error *e);
/* Plans one field anew though the record is as it was: the calendar or the owner above has changed. What has fired does not fire again. */
enum status plan_again(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct field *field, const struct stored *record,
	struct error *e);
/* Keeps a reminder's computed field next_due_at: the first instant of its own rule and of its snooze. */
enum status plan_note_next(struct txn *t, uint64_t reminder, struct error *e);
/* Whether a row reminds somebody: digests of mail and days that change a record do not. */
bool due_reminds(const struct due_row *row);
/* Due rows with an instant up to until, ascending, starting at the key of *from when it is not NULL. */
size_t due_read(struct txn *t, int64_t until, const struct due_row *after, struct due_row *rows,
	size_t max);

#endif
