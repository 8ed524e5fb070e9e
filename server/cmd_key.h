/*
 * Master keys from files: as they are, or sealed with a passphrase by "guanxid key export".
 */
#ifndef SERVER_CMD_KEY_H
#define SERVER_CMD_KEY_H

#include "common/error.h"
#include "server/call/secret.h"

/* password_file: the passphrase of a sealed one, "-" is standard input; may be NULL for a plain one. */
enum status key_read_any(const char *path, const char *password_file, uint8_t key[MASTER_KEY_BYTES],
	struct error *e);

#endif
