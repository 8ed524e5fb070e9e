/*
 * Looks now and then whether the server needs a person, and tells the administrators who watch when that begins: reminders that are late because
 * the scheduler cannot go on, a full disk or map, an old backup. What stood at the start is told by health alone.
 */
#ifndef SERVER_WATCHDOG_H
#define SERVER_WATCHDOG_H

struct server;
struct loop;
struct watchdog;

struct watchdog *watchdog_new(struct server *server, struct loop *loop);
void watchdog_free(struct watchdog **w);

#endif
