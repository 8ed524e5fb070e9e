#include "server/model/workdays.h"
#include "server/model/computed.h"

#define FIRST_DAY 19000101
#define LAST_DAY 21991231
#define SATURDAY 6
#define PAGE 16

/* The rows of one day. */
struct rows_seen {
	bool own, own_working;       /* of the branch */
	bool common, common_working; /* of all branches */
};

static void see_row(struct rows_seen *seen, const struct entity *calendar, uint64_t branch,
	const struct stored *row)
{
	uint64_t of = model_number(calendar, row->fields, "branch");
	bool working = model_number(calendar, row->fields, "working");

	if (of && of == branch) {
		seen->own = true;
		seen->own_working = working;
	} else if (!of) {
		seen->common = true;
		seen->common_working = working;
	}
}

static void see_rows(struct txn *t, uint64_t branch, civil_date day, struct rows_seen *seen)
{
	const struct entity *calendar = model_entity(t, ENTITY_CALENDAR_DAY);
	const struct field *f = entity_field_named(calendar, "day");
	struct buf wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[PAGE], after = 0;
	struct stored row;
	size_t n;

	record_add_number(&wire, f->tag, (uint64_t)day);
	while ((n = store_find_equal(t, calendar, f, buf_bytes(&wire), after, ids, PAGE)) > 0) {
		for (size_t i = 0; i < n; i++)
			if (read_live(t, calendar, ids[i], &room, &row))
				see_row(seen, calendar, branch, &row);
		after = ids[n - 1];
	}
	buf_free(&wire);
	buf_free(&room);
}

bool workday_is(struct txn *t, uint64_t branch, civil_date day)
{
	struct rows_seen seen = { 0 };

	see_rows(t, branch, day, &seen);
	if (seen.own)
		return seen.own_working;
	return seen.common ? seen.common_working : date_weekday(day) < SATURDAY;
}

/* Goes to the next working day in a direction; *day itself is not looked at. false: there is none near, *day is where the search ended. */
static bool step(struct txn *t, uint64_t branch, civil_date *day, int direction)
{
	for (int looked = 0; looked < WORKDAY_LOOK; looked++) {
		if (*day == (direction > 0 ? LAST_DAY : FIRST_DAY))
			return false;
		*day = date_add_days(*day, direction);
		if (workday_is(t, branch, *day))
			return true;
	}
	return false;
}

civil_date workday_add(struct txn *t, uint64_t branch, civil_date day, int n)
{
	int direction = n < 0 ? -1 : 1;

	if (n == 0 && !workday_is(t, branch, day))
		n = 1;
	for (; n && step(t, branch, &day, direction); n -= direction)
		;
	return day;
}
