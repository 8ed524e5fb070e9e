/*
 * Working days: those of the records of calendar_day, else Monday to Friday.
 */
#ifndef SERVER_MODEL_WORKDAYS_H
#define SERVER_MODEL_WORKDAYS_H

#include "server/model/model.h"

#define WORKDAY_LOOK 400 /* days without one after which the calendar is taken for a mistake */

/* Whether day is a working day of the branch (0: of the firm). A branch's own row goes before the one for all branches. */
bool workday_is(struct txn *t, uint64_t branch, civil_date day);
/*
 * The n-th working day after day, which itself is not counted; n < 0: before it. n 0: day itself when it is a working day, else
 * the next one. A calendar without a working day in WORKDAY_LOOK days ends the search there, and so does the range of dates.
 */
civil_date workday_add(struct txn *t, uint64_t branch, civil_date day, int n);

#endif
