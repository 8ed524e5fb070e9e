/*
 * The admin socket from the other side: for commands while the server runs.
 */
#ifndef SERVER_CONSOLE_H
#define SERVER_CONSOLE_H

#include "common/arena.h"
#include "common/error.h"
#include "guanxi.pb-c.h"

struct console_arg {
	const char *name;
	const char *value;
};

/* One request. values become text pairs of the reply, valid as long as the arena. The status of the reply, or UNREACHABLE. */
enum status console_call(const char *dir, const char *op, const struct console_arg *args, size_t n,
	struct arena *arena, const Guanxi__Reply **reply, struct error *e);
/* A value of a reply, "" if it is not there; in the arena. */
const char *console_value(const Guanxi__Reply *reply, const char *name, struct arena *arena);

#endif
