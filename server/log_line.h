/*
 * Log lines to standard error in logfmt, one write each. They carry subjects (session, user, address) and never values of fields.
 */
#ifndef SERVER_LOG_LINE_H
#define SERVER_LOG_LINE_H

#include "server/options.h"

/* The one level of the process; any thread. */
void log_level_set(enum log_level level);

/* level=info event=EVENT and the rest; characters that do not belong in a line become '?', long lines are cut. */
void log_line(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
