/*
 * Mail: one digest for a user and day of what waits in the inbox, written into an outbox from which a helper process takes it.
 * Nothing of a reminder depends on it: a mail that is refused is tried again, later and later, and shown by health.
 *
 * outbox  number u64 -> u8 layout 1, u64 user, u64 created ms, u64 next try ms, u32 attempts, u64 first and u64 last seq that it speaks of,
 *                       u16 length + recipient, u16 length + subject, u32 length + body, u16 length + last error
 * outbox  0 -> u64 last number, u64 when the last mail was taken by a mail server (ms)
 * outbox  0, user -> u64 number of the one that waits for the user: a newer digest takes its place
 */
#ifndef SERVER_REMIND_MAIL_H
#define SERVER_REMIND_MAIL_H

#include "server/call/call.h"
#include "server/remind/plan.h"

struct mail {
	uint64_t number, user;
	int64_t created_ms, next_try_ms;
	uint32_t attempts;
	uint64_t from_seq, to_seq;
	struct bytes recipient, subject, body, error;
};

/* A reminder came for a user: the next digest is planned, unless it is or mail is off. soon: at once. */
enum status mail_note(
	struct txn *t, struct lookup *l, uint64_t user, int64_t now, bool soon, struct error *e);
/* The time of the digest has come: writes it if something waits. */
enum status mail_digest(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e);

/* The waiting mail with the lowest number above after that may be tried now; STATUS_NOT_FOUND leaves e alone. Texts lie in room. */
enum status mail_next(struct txn *t, uint64_t after, int64_t now, struct buf *room,
	struct mail *out, struct error *e);
/* What became of a try; one that has been replaced meanwhile is no fault. error empty: it was taken. */
enum status mail_done(
	struct txn *t, uint64_t number, struct bytes error, int64_t now, struct error *e);

struct mail_state {
	uint64_t waiting, tried; /* of these, refused at least once */
	uint32_t attempts;       /* the most */
	int64_t oldest_ms, last_sent_ms;
	char error[600]; /* of the one with the most attempts */
};
struct mail_state mail_state(struct txn *t);

#endif
