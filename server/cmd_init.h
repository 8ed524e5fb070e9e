/*
 * Making a server's folder, for init and quickstart.
 */
#ifndef SERVER_CMD_INIT_H
#define SERVER_CMD_INIT_H

#include "common/buf.h"
#include "common/error.h"

bool home_has_store(const char *dir);
/* Everything that DIR needs, with a first administrator. STATUS_CONFLICT when it holds a store. */
enum status home_init(const char *dir, const char *admin, const char *const *hosts, size_t nhosts,
	struct bytes password, bool must_change, struct error *e);

#endif
