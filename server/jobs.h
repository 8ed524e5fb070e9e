/* The timer of what the server does by itself in slices: jobs of the journal. */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include "server/loop/loop.h"

struct jobs;
struct server;

struct jobs *jobs_new(struct server *server, struct loop *loop);
/* A job may have begun; any thread, quick. NULL is no fault. */
void jobs_look(struct jobs *j);
void jobs_free(struct jobs **j); /* after the writer's end */

#endif
