/* The business numbers that administrators change at run time: names, defaults, help and what a value may be. */
#ifndef SERVER_MODEL_SETTINGS_H
#define SERVER_MODEL_SETTINGS_H

#include "common/buf.h"

struct setting_row {
	const char *name, *initial, *zh, *en;
	const char *
		allowed; /* NULL: any text; "0-100": a number in that range; "list": numbers with commas; "fields"; else words separated by | */
};

extern const struct setting_row setting_rows[]; /* ends with name NULL */

const struct setting_row *setting_row(struct bytes name); /* NULL if there is none */
const char *setting_default(const char *name);            /* "" if there is none */
/* false with a sentence in why (at most 96 bytes). */
bool setting_allowed(const struct setting_row *row, struct bytes value, char why[96]);

#endif
