/*
 * Join lines, for invite and quickstart.
 */
#ifndef SERVER_CMD_INVITE_H
#define SERVER_CMD_INVITE_H

#include "common/buf.h"
#include "common/error.h"

/* Appends guanxi://HOST:PORT/?pin=...&code=... role and branch may be NULL. */
enum status invite_line(const char *dir, const char *user, const char *role, const char *branch,
	struct buf *line, struct error *e);

#endif
