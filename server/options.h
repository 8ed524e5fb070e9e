/*
 * The options of the server: one table drives the configuration file, "guanxid options" and the sample in deploy/.
 * Numbers of the business are settings in the store, not options.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "common/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct options {
	char **listen; /* ADDR:PORT, NULL-terminated */
	int64_t loops; /* 0: one a core */
	int64_t pool_threads;
	int64_t pool_queue;
	int64_t write_queue;
	int64_t map_size; /* bytes */
	char *devices;
	int64_t max_connections;
	int64_t max_connections_per_address;
	int64_t handshake_seconds;
	int64_t login_seconds;
	char *log_level;
};

enum option_type { OPTION_INTEGER, OPTION_SIZE, OPTION_WORD, OPTION_LIST };

struct option_row {
	const char *name;
	enum option_type type;
	int64_t min, max;    /* OPTION_INTEGER, OPTION_SIZE */
	const char *words;   /* OPTION_WORD: allowed, separated by | */
	const char *initial; /* as in the file; a list has one item */
	const char *unit;
	const char *help;
	bool reloadable;
	size_t offset; /* in struct options */
};

const struct option_row *option_rows(size_t *n);

/* All options at their defaults. */
struct options *options_new(void);
void options_free(struct options **o); /* accepts NULL, sets NULL */
/* Reads a file over what o holds. STATUS_USAGE names file, line and option; o is then unchanged. */
enum status options_read(struct options *o, const char *path, struct error *e);
/* Takes the reloadable ones of from over. */
void options_reload(struct options *o, struct options *from);
/* Replaces the addresses. */
void options_listen(struct options *o, char *const *addresses, size_t n);
enum log_level options_log_level(const struct options *o);
/* Every option with type, range, default and help, as a commented file. */
void options_print(FILE *out);

#endif
