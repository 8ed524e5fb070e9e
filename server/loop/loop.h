/*
 * Event-loop threads, posting between them, timers, and the pool for slow work. Knows nothing above libevent.
 */
#ifndef SERVER_LOOP_LOOP_H
#define SERVER_LOOP_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

typedef void loop_fn(void *arg);

struct loop *loop_new(
	const char *name);      /* makes the base; runs in the thread that calls loop_run */
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* from any thread */
void loop_free(struct loop **l);
struct event_base *loop_base(struct loop *l);
/* Runs fn(arg) on the loop's thread, in the order of posting; from any thread. The only crossing between threads. */
void loop_post(struct loop *l, loop_fn *fn, void *arg);
bool loop_is_mine(const struct loop *l); /* called on the loop's own thread */
/* Called after each round of events: to send what has gathered, to let a snapshot go. */
void loop_after_round(struct loop *l, loop_fn *fn, void *arg);

struct pool;
struct pool *pool_new(size_t threads, size_t queue_max);
/* false when the queue is full. */
bool pool_submit(struct pool *p, loop_fn *fn, void *arg);
/* For a job that has run for a while: runs one that waits before it goes on. Few are put off like this at a time. */
void pool_pause(struct pool *p);
void pool_free(struct pool **p); /* runs what is queued, then joins */

#endif
