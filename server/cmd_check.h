/*
 * Verifying a store, for check and restore, and copies that the running server makes.
 */
#ifndef SERVER_CMD_CHECK_H
#define SERVER_CMD_CHECK_H

#include "server/home.h"

/* Prints damage and a summary; 0 sound, 1 damaged. */
int home_check(const struct home_options *o);
/* The running server appends a copy of its store to a file that is there. */
enum status home_snapshot(const char *dir, const char *path, struct error *e);

#endif
