/*
 * Many requests over one link, a bounded number unanswered, answers printed in the order of the
 * requests whatever order the replies come in.
 */
#ifndef CLIENT_PIPELINE_H
#define CLIENT_PIPELINE_H

#include "client/app.h"

#define PIPELINE_WINDOW 64

struct pipeline;

/* Makes the text of an answer. tag and many as given to pipeline_send. */
typedef void pipeline_reply(
	void *arg, uint64_t tag, bool many, const Guanxi__Reply *reply, struct buf *out);

/* app's link must be open and logged in. */
struct pipeline *pipeline_new(struct app *app, pipeline_reply *f, void *arg);
void pipeline_free(struct pipeline **p);
/* Queues; waits for a reply first when the window is full. */
enum status pipeline_send(
	struct pipeline *p, Guanxi__Request *r, uint64_t tag, bool many, struct error *e);
/* An answer that needs no server, in its place of the order. */
enum status pipeline_answer(struct pipeline *p, struct bytes text, struct error *e);
size_t pipeline_waiting(const struct pipeline *p);
/* Waits for one reply and prints what is in order. */
enum status pipeline_take(struct pipeline *p, struct error *e);
enum status pipeline_finish(struct pipeline *p, struct error *e);

#endif
