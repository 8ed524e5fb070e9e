/*
 * The clocks. Business time (due dates, sessions, lock-outs, retention) can be moved by a
 * file for tests; the monotonic clock for deadlines of input and output cannot.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include "common/error.h"
#include <stdbool.h>
#include <stdint.h>

struct clock;

/* path NULL: real time. Otherwise the file holds one RFC 3339 instant; while it exists it is the time. */
struct clock *clock_new(const char *path);
void clock_free(struct clock **c);

/* Business time in milliseconds since 1970. Re-reads the file when it changed. Safe from any thread. */
int64_t clock_now(struct clock *c);
/* NULL for real time. Otherwise business time does not run by itself: timers must ask again instead of sleeping. */
const char *clock_path(const struct clock *c);

int64_t monotonic_us(void); /* microseconds, never set, for deadlines and durations */
int64_t real_ms(void);      /* real time in milliseconds since 1970 */

#endif
