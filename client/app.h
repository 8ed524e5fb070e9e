/*
 * One run of the client: what was asked, in which form and language to answer, and the
 * way to the server. Made by main, passed down.
 */
#ifndef CLIENT_APP_H
#define CLIENT_APP_H

#include "client/options.h"
#include "client/tr.h"
#include "common/arena.h"
#include "common/schema.h"

struct session;
struct profile;
struct link;
struct catalog;

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV, OUTPUT_TSV, OUTPUT_ID };

struct app {
	struct options opt;
	enum output output;
	bool chinese;
	const char *noun;  /* of a command on an entity, as typed; else NULL */
	const char *verb;  /* for messages */
	bool shortcut;     /* the noun was not typed */
	const char **args; /* words after the command */
	size_t nargs;
	int64_t deadline_us; /* of --timeout, monotonic; 0: none */
	struct arena *arena; /* lives as long as the run */
	struct profile *profile;
	struct catalog *catalog; /* NULL: nothing cached */
	struct link *link;       /* NULL until something is sent */
	const char **uploads;    /* files sent that no record may have taken yet */
	size_t nuploads;
};

/* Makes output, language and deadline from the options. */
enum status app_init(struct app *app, struct error *e);
/* Form and language alone, as far as the line says them, to print a mistake in the line. */
void app_init_output(struct app *app);
void app_release(struct app *app);

/* A message for people on stderr, "guanxi: " before it, unless --quiet. Control characters are made harmless. */
void app_say(const struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "undo: guanxi undo N" when the operation can be undone. */
void app_say_undo(const struct app *app, uint64_t operation);
/* The error as interface.md 2.6 has it, on stderr. */
void app_print_error(const struct app *app, const struct error *e);

/* USAGE unless there are from least to most arguments. */
enum status app_need_args(const struct app *app, size_t least, size_t most, struct error *e);
/* The arguments from one on, joined by blanks, in the arena; NULL when there are none. */
const char *app_join_args(const struct app *app, size_t from);

static inline const char *app_tr(const struct app *app, const char *text)
	__attribute__((format_arg(2)));
static inline const char *app_tr(const struct app *app, const char *text)
{
	return tr(app->chinese, text);
}

#endif
