/*
 * What the client remembers of one server and user: a folder of mode 0700 with files of
 * mode 0600 under the configuration folder.
 *   profiles/NAME/settings      lines "key value": server, user, pin
 *   profiles/NAME/key.pem       key of this device
 *   profiles/NAME/certificate.pem  its certificate
 *   profiles/NAME/token         session token, hex
 *   profiles/NAME/schema        message Schema as the server sent it last
 */
#ifndef CLIENT_PROFILE_H
#define CLIENT_PROFILE_H

#include "common/buf.h"
#include "common/error.h"

struct profile {
	char *folder;
	char *server; /* HOST:PORT; NULL: none yet */
	char *user;
	char *pin;
	struct buf key_pem;
	struct buf certificate_pem;
	struct buf token; /* binary; empty: not logged in */
};

/* name NULL: GUANXI_PROFILE, else "default". A profile that does not exist is empty. */
enum status profile_load(const char *name, struct profile **out, struct error *e);
void profile_free(struct profile **p);
/* Writes everything but the schema; makes the folders. */
enum status profile_save(const struct profile *p, struct error *e);
void profile_set(char **member, const char *value);
/* Forgets the session token, here and on disk. */
enum status profile_forget_token(struct profile *p, struct error *e);

/* The cached schema message; empty when there is none. */
void profile_read_schema(const struct profile *p, struct buf *out);
enum status profile_write_schema(const struct profile *p, struct bytes message, struct error *e);

/* HOST:PORT, [V6]:PORT, HOST: copies into host and port ("7650" when left out). USAGE when it is none. */
enum status address_parse(const char *text, char host[256], char port[8], struct error *e);

#endif
