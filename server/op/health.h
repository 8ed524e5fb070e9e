/*
 * What needs a person, as health says it and as administrators are told of by themselves.
 */
#ifndef SERVER_OP_HEALTH_H
#define SERVER_OP_HEALTH_H

#include "server/call/call.h"
#include "server/remind/remind.h"

/* Sentences, each followed by "; ": of late reminders, and of all else. */
void health_alarm_reminders(int64_t now_ms, const struct remind_state *state, struct buf *out);
void health_alarm_standing(const struct server *server, struct buf *out);

#endif
