/*
 * The commands: each is one function and one row in the file where it is implemented;
 * command.c lists the rows.
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "client/app.h"

#define ANY_ENTITY "ENTITY"

struct command {
	const char *noun; /* NULL: stands alone; ANY_ENTITY; or the one entity that has it */
	const char *name;
	const char *usage;   /* after the name */
	const char *options; /* besides the global ones, separated by blanks */
	const char *help;    /* one line */
	const char *more;    /* further lines of help, or NULL */
	enum status (*run)(struct app *app, struct error *e);
	const char *stands_for; /* of a shortcut: the noun that it means */
};

/* Finds the command of app's words and sets noun, verb, args. USAGE with a suggestion when there is none. */
enum status command_find(struct app *app, const struct command **out, struct error *e);

/* Help on one command, or on all of them (NULL). */
void command_help(struct buf *out, const struct command *command, bool chinese);

/* Names of the commands that stand alone, for suggestions. Returns how many were written. */
size_t command_names(const char **names, size_t max);

#endif
