/*
 * The words after "guanxi": one table of options makes the parser and the help. Options may stand anywhere;
 * "--" ends them. Strings point into argv.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "common/buf.h"
#include "common/error.h"

#define OPTION_LIST_MAX 256

struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t n;
};

struct options {
	/* everywhere */
	const char *server, *profile, *output, *columns, *lang, *reason, *idempotency_key;
	const char *timeout;
	bool no_header, yes, dry_run, timing, quiet, help, version;
	/* of some commands */
	const char *user, *password_file, *ca, *fingerprint, *old_file, *new_file;
	const char *json, *sort, *limit, *page, *by, *if_version, *where, *at;
	const char *encoding, *key, *on_conflict, *null, *rejects, *format, *purpose;
	const char *in, *days, *from, *since, *count, *exec;
	bool all, trash, planned, proto, explain, total;
	const char *separator, *quote;
	const char *to, *field;
	struct option_list map, set, take;
	bool force, notify, team;

	uint64_t given;     /* one bit for each row of the table that was used */
	const char **words; /* what is no option; NULL-terminated */
	size_t nwords;
};

/* words has room for argc pointers. */
enum status options_parse(
	int argc, char **argv, const char **words, struct options *out, struct error *e);
/* USAGE when an option was used that is neither global nor among allowed ("limit page all"). command is for the message. */
enum status options_check(
	const struct options *o, const char *allowed, const char *command, struct error *e);
/* A whole number of an option; USAGE if it is none or above max. Leaves *out when text is NULL. */
enum status option_number(
	const char *text, const char *name, uint64_t max, uint64_t *out, struct error *e);

/* Lines for --help: the global options (names NULL) or those named. */
void options_help(struct buf *out, const char *names, bool chinese);

#endif
