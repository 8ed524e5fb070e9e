/*
 * What a running server consists of. Made once by main, passed down, never global. Immutable after start except where said.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "common/clock.h"
#include "server/store/store.h"

struct writer;
struct pool;
struct reminders;
struct jobs;
struct watchdog;
struct cadence_rules;
struct settings;
struct authority; /* the private CA: signs client certificates (server/call/secret.h) */

struct server {
	struct store *store;
	const struct schema *schema; /* of the tables alone; all fields: call.schema, txn_schema */
	struct clock *clock;
	struct writer *writer;
	struct pool *pool;
	struct reminders *reminders;
	struct jobs *jobs;
	struct watchdog *watchdog;
	struct cadence_rules **cadence; /* of the writer's thread: what the observer has read */
	struct authority *authority;
	const char *dir;
	int64_t started_ms;
	/* Wakes the sessions that watch for these users. Set by net, called by the writer after a commit; any thread. */
	void (*wake)(void *arg, const uint64_t *users, size_t n);
	/* Ends the sessions of a user: those of one number, or with only 0 all but except. Any thread. */
	void (*close_user)(
		void *arg, uint64_t user, uint64_t except, uint64_t only, const char *reason);
	/* Tells the administrators who watch what needs one of them. Set by net; any thread. */
	void (*alarm)(void *arg, const char *text);
	/* Called by the writer after a commit that added to the log: a nearer reminder may stand. NULL or quick. */
	void (*committed)(struct server *s);
	void *net;
	uint64_t (*connections)(void *arg);
	/* The server cannot go on (a commit whose outcome is unknown: 74): stop at once. Set by main before the writer starts; any thread. NULL: _exit. */
	void (*fatal)(struct server *s, int exit_code);
};

#endif
