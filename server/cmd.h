/*
 * The commands of guanxid, one file each; main.c lists them.
 */
#ifndef SERVER_CMD_H
#define SERVER_CMD_H

#include "common/buf.h"
#include "common/error.h"
#include <stdbool.h>

/* Exit codes besides 0, 1 (failed) and 2 (usage). */
#define EXIT_IO 74
#define EXIT_DAMAGED 75
#define EXIT_REFUSED 78

/* What stood on the command line. Strings are borrowed. */
#define CMD_LIST_MAX 32
struct cmd_args {
	const char *dir;
	const char *admin, *password_file, *config, *clock, *user, *role, *branch, *key_file;
	const char *host[CMD_LIST_MAX + 1]; /* NULL-terminated */
	const char *listen[CMD_LIST_MAX];
	size_t nhost, nlisten;
	const char *file; /* the word that is no option */
};

struct cmd {
	const char *name;
	const char *usage;   /* after the name */
	const char *help;    /* one line */
	const char *options; /* the long options it takes, separated by blanks */
	bool needs_dir;
	bool needs_file;
	int (*run)(const struct cmd_args *a);
};

extern const struct cmd cmd_init, cmd_run, cmd_quickstart, cmd_invite, cmd_fingerprint, cmd_renew,
	cmd_check, cmd_backup, cmd_restore, cmd_key_export, cmd_options;

/* Prints "guanxid: message" with bad fields; the exit code that fits. Clears e. */
int cmd_failed(struct error *e);
/* First line of a file or of standard input ("-"), at most 1,024 bytes. */
enum status cmd_read_line(const char *path, struct buf *out, struct error *e);

#endif
