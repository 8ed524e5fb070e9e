/* Questions on the terminal, never when stdin is none. */
#ifndef CLIENT_PROMPT_H
#define CLIENT_PROMPT_H

#include "client/app.h"

/* OK when yes (-y or the person says so); INTERRUPTED when not; USAGE without a terminal. question ends without mark. */
enum status prompt_yes(const struct app *app, const char *question, struct error *e);
/*
 * A secret: the first line of path ("-" stdin), else asked for without echo. option names what
 * answers it when there is no terminal. twice: ask again and compare.
 */
enum status prompt_secret(const struct app *app, const char *path, const char *option,
	const char *label, bool twice, struct buf *out, struct error *e);

#endif
