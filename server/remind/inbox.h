/*
 * A user's inbox: what was addressed to the user and is not acknowledged, and clearing events, in the order of the log.
 *
 * Row: u8 layout 1, u8 kind (1 reminder, 2 cleared), u8 acknowledged, u8 late, u64 prev seq, u64 reminder id, u64 due ms,
 *      u64 fired ms (business), u64 fired real us, u32 occurrence, u16 subject entity, u64 subject id.
 * Row (user, 0): u64 last seq of this inbox, u64 seq up to which rows that are done have been taken out (30 days later).
 * Row (0, user, reminder, seq), four u64: the row (user, seq) waits to be acknowledged.
 * Row (2^64 - 2, user, first seq, session): up to which seq (u64) that session was sent what waited, and when (u64, business ms); session 0: by mail.
 * Row (2^64 - 1, reminder, user): the reminder also stands in the inbox of a user who stands in for whom it is.
 */
#ifndef SERVER_REMIND_INBOX_H
#define SERVER_REMIND_INBOX_H

#include "common/date.h"
#include "server/store/store.h"

enum inbox_kind { INBOX_REMINDER = 1, INBOX_CLEARED = 2 };

struct inbox_row {
	uint64_t seq;
	uint64_t prev;
	enum inbox_kind kind;
	bool acknowledged;
	bool late;
	uint64_t reminder;
	int64_t due_ms, fired_ms, fired_real_us;
	civil_date occurrence;
	uint16_t subject_entity;
	uint64_t subject_id;
};

enum status inbox_put(
	struct txn *t, uint64_t user, struct inbox_row *row, struct error *e); /* sets prev */
/* Rows after a number, ascending, at most max; unacknowledged_only passes over what is done. Returns how many. */
size_t inbox_read(struct txn *t, uint64_t user, uint64_t after, bool unacknowledged_only,
	struct inbox_row *rows, size_t max);
/* Marks every row of a reminder done and adds a clearing row numbered seq. */
enum status inbox_acknowledge(struct txn *t, uint64_t user, uint64_t reminder, uint64_t seq,
	int64_t now, struct error *e);
/* Rows of one user that were sent to one session without a gap; session 0: in a mail. */
struct inbox_sent {
	uint64_t user, session, from, to;
	int64_t at_ms;
};
/* Keeps them for 90 days. */
enum status inbox_note_sent(
	struct txn *t, const struct inbox_sent *sent, size_t n, int64_t now, struct error *e);
/* Where the row (user, seq) was sent, the latest first, at most max. Returns how many. */
size_t inbox_sent_of(
	struct txn *t, uint64_t user, uint64_t seq, struct inbox_sent *sent, size_t max);
/* The last row of a user's inbox that is a reminder; false: none among the last few. */
bool inbox_latest(struct txn *t, uint64_t user, struct inbox_row *row);
/* What waits in one inbox, the newest first, at most max; and how much there is. */
size_t inbox_waiting(struct txn *t, uint64_t user, struct inbox_row *rows, size_t max);
uint64_t inbox_count_of(struct txn *t, uint64_t user);
/* As inbox_put, for somebody who stands in; and whose inboxes these are, until given back. */
enum status inbox_lend(struct txn *t, uint64_t user, struct inbox_row *row, struct error *e);
size_t inbox_lent(struct txn *t, uint64_t reminder, uint64_t *users, size_t max);
enum status inbox_give_back(struct txn *t, uint64_t user, uint64_t reminder, struct error *e);
/* The last number under which the reminder waits to be acknowledged; 0: none. */
uint64_t inbox_newest(struct txn *t, uint64_t user, uint64_t reminder);
uint64_t inbox_last(struct txn *t, uint64_t user);
/* A client whose last number is below this may have missed clearing rows. */
uint64_t inbox_swept(struct txn *t, uint64_t user);
/* Over all users. */
uint64_t inbox_count_unacknowledged(struct txn *t);

#endif
