/*
 * Making a server's folder, for init and quickstart.
 */
#ifndef SERVER_CMD_INIT_H
#define SERVER_CMD_INIT_H

#include "common/buf.h"
#include "common/error.h"

/* The names of a server's certificate: those given, then the machine's own and the loopback's. Returns how many, at most CMD_LIST_MAX + 4. */
size_t home_names(const char *const *hosts, size_t nhosts, const char **names);
bool home_has_store(const char *dir);
/* Everything that DIR needs, with a first administrator. STATUS_CONFLICT when it holds a store. */
enum status home_init(const char *dir, const char *admin, const char *const *hosts, size_t nhosts,
	struct bytes password, bool must_change, struct error *e);

#endif
