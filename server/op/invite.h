/*
 * Inviting somebody: for the operations and for the command on the server's console.
 */
#ifndef SERVER_OP_INVITE_H
#define SERVER_OP_INVITE_H

#include "server/store/store.h"

struct invitation {
	const char *user;   /* login name */
	const char *role;   /* code; may be empty when the user is there */
	const char *branch; /* code; empty: the first one */
	int64_t now_ms;
};

/* Makes the user when there is none of that name, then a code. */
enum status invite_make(struct txn *t, const struct author *author, const struct invitation *i,
	char code[17], struct error *e);

#endif
