/*
 * Work in a process of its own, because a damaged file can kill who maps it.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#define CHILD_KILLED (-1)

/* What work returned (0-255), or CHILD_KILLED where the process died of a signal or none could be started. */
int child_run(int (*work)(const void *arg), const void *arg);

#endif
