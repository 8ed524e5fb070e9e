#include "client/prompt.h"
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MAX 1024
#define CTRL_C 3

static enum status no_terminal(const struct app *app, const char *option, struct error *e)
{
	return error_set(e, STATUS_USAGE,
		app_tr(app, "stdin is not a terminal; answer with option '%s'"), option);
}

/* A line without its end, byte by byte so that what follows stays in a pipe. */
static enum status read_line(const struct app *app, int fd, struct buf *out, struct error *e)
{
	char c;
	ssize_t n;

	while ((n = read(fd, &c, 1)) == 1 && c != '\n' && c != CTRL_C) {
		if (out->len >= SECRET_MAX)
			return error_set(e, STATUS_USAGE, "the line is too long");
		buf_add_u8(out, (uint8_t)c);
	}
	if (n == 1 && c == CTRL_C)
		return error_set(e, STATUS_INTERRUPTED, "%s", app_tr(app, "interrupted"));
	if (out->len && out->data[out->len - 1] == '\r')
		out->len--;
	if (n <= 0 && !out->len)
		return error_set(e, STATUS_USAGE, "%s", app_tr(app, "no input"));
	return STATUS_OK;
}

enum status prompt_yes(const struct app *app, const char *question, struct error *e)
{
	struct buf answer = BUF_INIT;

	if (app->opt.yes)
		return STATUS_OK;
	if (!isatty(STDIN_FILENO))
		return no_terminal(app, "-y", e);
	fprintf(stderr, "%s? [y/N] ", question);
	enum status st = read_line(app, STDIN_FILENO, &answer, NULL);
	bool yes = !st && answer.len &&
		   (answer.data[0] == 'y' || answer.data[0] == 'Y' ||
			   bytes_starts(buf_bytes(&answer), bytes_str("是")));
	buf_free(&answer);
	if (yes)
		return STATUS_OK;
	return error_set(e, STATUS_INTERRUPTED, "%s", app_tr(app, "nothing was changed"));
}

/* Without echo; Ctrl-C comes as a byte, so that the terminal is set right in every case. */
static enum status ask(const struct app *app, const char *label, struct buf *out, struct error *e)
{
	struct termios was, now;

	fprintf(stderr, "%s: ", label);
	if (tcgetattr(STDIN_FILENO, &was))
		return error_set(e, STATUS_INTERNAL, "cannot use the terminal");
	now = was;
	now.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
	enum status st = read_line(app, STDIN_FILENO, out, e);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	return st;
}

static enum status ask_twice(
	const struct app *app, const char *label, struct buf *out, struct error *e)
{
	struct buf again = BUF_INIT;
	enum status st = ask(app, label, out, e);

	if (!st)
		st = ask(app, app_tr(app, "once more"), &again, e);
	if (!st && !bytes_equal(buf_bytes(out), buf_bytes(&again)))
		st = error_set(e, STATUS_USAGE, "%s", app_tr(app, "the two are not the same"));
	buf_free(&again);
	return st;
}

enum status prompt_secret(const struct app *app, const char *path, const char *option,
	const char *label, bool twice, struct buf *out, struct error *e)
{
	if (!path) {
		if (!isatty(STDIN_FILENO))
			return no_terminal(app, option, e);
		return twice ? ask_twice(app, label, out, e) : ask(app, label, out, e);
	}
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return error_set(e, STATUS_USAGE, app_tr(app, "cannot open '%s'"), path);
	enum status st = read_line(app, fd, out, e);
	if (fd != STDIN_FILENO)
		close(fd);
	return st;
}
