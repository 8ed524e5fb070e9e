/*
 * The secrets of a server's folder: the master key that seals the store, and the private authority that signs the
 * certificates of the server and of its clients.
 */
#ifndef SERVER_CALL_SECRET_H
#define SERVER_CALL_SECRET_H

#include "common/tls.h"

#define MASTER_KEY_BYTES 32

struct authority;

#define KEY_EXPORTED_FILE                                                                          \
	"key-exported" /* in DIR: its time is that of the last export of the key */

/* A new random key in a file of mode 0400. */
enum status master_key_make(const char *path, struct error *e);
/* Refuses a file that others may read. */
enum status master_key_read(const char *path, uint8_t key[MASTER_KEY_BYTES], struct error *e);

/* Makes ca.key, ca.pem, server.key and server.pem in a folder. hosts: names and addresses of the server. */
enum status authority_make(const char *dir, const char *const *hosts, size_t n, struct error *e);
/* A new server.pem for the key that is there, with these names. A running server takes it with the next authority_context. */
enum status authority_renew(const char *dir, const char *const *hosts, size_t n, struct error *e);
enum status authority_open(const char *dir, struct authority **out, struct error *e);
void authority_free(struct authority **a); /* accepts NULL, sets NULL */

/* The pin of the authority: what clients trust. */
void authority_pin(const struct authority *a, char out[TLS_PIN_SIZE]);
/* Reads the server's certificate anew and makes a context of it. */
enum status authority_context(struct authority *a, struct ssl_ctx_st **out, struct error *e);
/* Signs a client's request; as tls_client_cert_sign. Any thread. */
enum status authority_sign(const struct authority *a, struct bytes request, const char *name,
	struct buf *der, uint8_t key_hash[TLS_HASH_LEN], struct error *e);
/* When the first of its certificates ends, ms since 1970. */
int64_t authority_end_ms(const struct authority *a);

#endif
