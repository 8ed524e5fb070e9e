/*
 * The folder of a server:
 *   master.key 0400   seals the store            store/       the engine's files
 *   ca.key ca.pem     the private authority      lock         held while a process has the store open for writing
 *   server.key .pem   the server's certificate   listen       addresses, one a line, while serving
 *   admin.sock        the local administrator, while serving
 */
#ifndef SERVER_HOME_H
#define SERVER_HOME_H

#include "server/store/store.h"

#define HOME_STORE_FILE "data.mdb" /* of the engine, in the folder of a store */

struct home {
	char *dir;
	struct schema *schema;
	struct store *store;
	int lock;                       /* -1: not held */
	struct cadence_rules **cadence; /* what the observer has read of the rules; owned */
};

struct home_options {
	const char *dir;
	const char *store; /* folder of the store; NULL: store in dir */
	uint64_t map_size; /* 0: default */
	bool create;
	bool read_only; /* takes no lock */
};

/*
 * Takes the lock and opens the store, with the model's hooks as its observer. STATUS_CONFLICT when another process has the
 * lock; reason "damaged" when the store cannot be read.
 */
enum status home_open(const struct home_options *o, struct home *out, struct error *e);
void home_close(struct home *h);
/* Whether a process holds the lock. */
bool home_busy(const char *dir);
char *home_path(const char *dir, const char *name); /* g_free() it */

/* The line with which a user joins. */
enum status home_join_line(const char *dir, const char *code, struct buf *out, struct error *e);

#endif
