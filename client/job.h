/* Changes that are too long for one transaction: the server works on them by itself. */
#ifndef CLIENT_JOB_H
#define CLIENT_JOB_H

#include "client/app.h"

/* Whether the reply says that the work has only begun. */
bool is_long_work(const Guanxi__Reply *reply);
/*
 * When the reply says that the work has only begun: asks until it has ended, *reply becomes the last answer. It goes on without us too.
 * The status it ended with.
 */
enum status job_wait(struct app *app, const Guanxi__Reply **reply, struct error *e);

#endif
