/*
 * Serving, for run and quickstart.
 */
#ifndef SERVER_CMD_RUN_H
#define SERVER_CMD_RUN_H

#include "server/cmd.h"

/* ready is called once everything is listened on; may be NULL. Returns the exit code. */
int serve(const struct cmd_args *a, void (*ready)(const char *dir));

#endif
