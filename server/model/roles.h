#ifndef SERVER_MODEL_ROLES_H
#define SERVER_MODEL_ROLES_H

#include <stdbool.h>

struct role_row {
	const char *code, *zh, *en, *scope, *rights, *classes;
	bool exact_only;
};

extern const struct role_row role_rows[]; /* ends with code NULL */

#endif
