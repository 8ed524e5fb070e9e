#include "server/log_line.h"
#include "common/clock.h"
#include "common/date.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#define LINE_MAX_BYTES 600

/* The process has one standard error, so one level; SIGHUP changes it while every thread logs. */
static _Atomic int level_now = LOG_LEVEL_INFO;

void log_level_set(enum log_level level)
{
	atomic_store(&level_now, (int)level);
}

__attribute__((format(printf, 2, 0))) static void line_add(
	struct buf *line, const char *format, va_list args)
{
	char text[LINE_MAX_BYTES];
	int n = vsnprintf(text, sizeof(text), format, args);

	if (n < 0)
		return;
	for (size_t i = 0; text[i]; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	buf_add_str(line, text);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	struct buf line = BUF_INIT;
	va_list args;

	if ((int)level > atomic_load(&level_now))
		return;
	buf_add_str(&line, "time=");
	instant_format(real_ms(), &line);
	buf_printf(&line, " level=%s event=%s ", names[level], event);
	va_start(args, format);
	line_add(&line, format, args);
	va_end(args);
	buf_add_u8(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0) {
		/* nobody reads the log: nothing to tell it to */
	}
	buf_free(&line);
}
