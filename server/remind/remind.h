/*
 * Reminders: due rows planned from fields, fired by one timer in a write transaction, put into inboxes.
 *
 * Rows of due and plan: plan.h. Rows of inboxes: inbox.h.
 */
#ifndef SERVER_REMIND_REMIND_H
#define SERVER_REMIND_REMIND_H

#include "server/call/call.h"

struct reminders;
struct loop;

/* The timer lives on loop (main). It fires what is due through the writer. */
struct reminders *reminders_new(struct server *server, struct loop *loop);
void reminders_free(struct reminders **r);
/* Business time may have jumped, or a nearer due row may stand: look again. Any thread. */
void reminders_look(struct reminders *r);

/* Whether what is due is not being fired: the last batch failed, or has been under way for more than a minute. Any thread. */
bool reminders_stuck(struct reminders *r);

/* Called in the observer for every record put: plans anew what the record's fields ask for. */
enum status remind_plan(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e);

/* Compares what reminders say of their next firing with what is planned; a sentence for each that differs. Returns how many. */
size_t remind_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg);

/* For health. Instants in business ms, 0 never / none. */
struct remind_state {
	int64_t last_fired_ms;
	int64_t last_lag_ms;
	int64_t next_due_ms;
	uint64_t due_now;
	uint64_t unacknowledged;
};
enum status remind_state(struct txn *t, int64_t now_ms, struct remind_state *out, struct error *e);

#endif
