/*
 * Keys, certificates and TLS settings of both sides. TLS 1.3 only, own settings (the machine's openssl.cnf is not read), no
 * tickets, no resumption. Keys are P-256. Trust is one value, the pin: SHA-256 of the CA's SubjectPublicKeyInfo.
 * Knows no sockets, sessions or users. Whoever includes this without <openssl/ssl.h> can only pass the pointers on.
 */
#ifndef COMMON_TLS_H
#define COMMON_TLS_H

#include "common/buf.h"
#include "common/error.h"

struct evp_pkey_st; /* EVP_PKEY */
struct x509_st;     /* X509 */
struct ssl_ctx_st;  /* SSL_CTX */
struct ssl_st;      /* SSL */

#define TLS_HASH_LEN 32
#define TLS_PIN_SIZE 65 /* 64 hex digits and NUL */

/* Once, before any other thread starts. */
void tls_init(void);
/* The oldest entry of OpenSSL's queue of the thread as an error behind what could not be done; empties the queue. INTERNAL. */
enum status tls_failed(struct error *e, const char *what);

/* Keys. */
enum status tls_key_new(struct evp_pkey_st **out, struct error *e);
void tls_key_free(struct evp_pkey_st **key);
/* SHA-256 of the public key as SubjectPublicKeyInfo. */
enum status tls_key_hash(
	const struct evp_pkey_st *key, uint8_t hash[TLS_HASH_LEN], struct error *e);
enum status tls_key_to_pem(const struct evp_pkey_st *key, struct buf *out, struct error *e);
enum status tls_key_from_pem(struct bytes pem, struct evp_pkey_st **out, struct error *e);
/* Files: written under another name with mode 0600, synced, then renamed. Loading refuses a key file that others may read. */
enum status tls_key_load(const char *path, struct evp_pkey_st **out, struct error *e);
enum status tls_key_save(const char *path, const struct evp_pkey_st *key, struct error *e);

/* Certificates. */
void tls_cert_free(struct x509_st **cert);
enum status tls_cert_hash(const struct x509_st *cert, uint8_t hash[TLS_HASH_LEN],
	struct error *e); /* of its key, as tls_key_hash */
enum status tls_cert_to_pem(const struct x509_st *cert, struct buf *out, struct error *e);
enum status tls_cert_from_pem(struct bytes pem, struct x509_st **out, struct error *e);
enum status tls_cert_to_der(const struct x509_st *cert, struct buf *out, struct error *e);
enum status tls_cert_from_der(struct bytes der, struct x509_st **out, struct error *e);
enum status tls_cert_load(const char *path, struct x509_st **out, struct error *e);
enum status tls_cert_save(const char *path, const struct x509_st *cert, struct error *e);
int64_t tls_cert_end_ms(const struct x509_st *cert); /* when it ends, ms since 1970; 0 unknown */

/* The pin: hash in lower-case hex. tls_pin_parse takes it with or without "sha256:" and colons. */
void tls_pin(const uint8_t hash[TLS_HASH_LEN], char out[TLS_PIN_SIZE]);
bool tls_pin_parse(struct bytes text, uint8_t hash[TLS_HASH_LEN]);

/* Issuing. Validity starts one hour ago. */
enum status tls_ca_make(struct evp_pkey_st *key, const char *name, unsigned days,
	struct x509_st **out, struct error *e); /* signed by itself */
/* names: host names and addresses (v4, v6) that the server answers to; at least one. */
enum status tls_server_cert_make(struct x509_st *ca, struct evp_pkey_st *ca_key,
	struct evp_pkey_st *key, const char *const *names, size_t n, unsigned days,
	struct x509_st **out, struct error *e);
/* A certificate request (PKCS#10, DER), appended to der. */
enum status tls_request_make(
	struct evp_pkey_st *key, const char *name, struct buf *der, struct error *e);
/* Signs a client's request: only its key is taken, name and everything else are ours. STATUS_INVALID when it is no request, not signed by its own key, or not P-256. */
enum status tls_client_cert_sign(struct x509_st *ca, struct evp_pkey_st *ca_key,
	struct bytes request, const char *name, unsigned days, struct buf *der,
	uint8_t key_hash[TLS_HASH_LEN], struct error *e);

/* Contexts. */
enum tls_client_cert {
	TLS_CLIENT_NONE,     /* not asked for */
	TLS_CLIENT_OPTIONAL, /* asked for; its verdict is only recorded */
	TLS_CLIENT_REQUIRED, /* refused in the handshake without a good one */
};
/* Sends leaf and CA. Key and certificates stay the caller's. Fails when they do not belong together. */
enum status tls_server_context(struct x509_st *cert, struct evp_pkey_st *key, struct x509_st *ca,
	enum tls_client_cert clients, struct ssl_ctx_st **out, struct error *e);
/* cert and key may be NULL. */
enum status tls_client_context(
	struct x509_st *cert, struct evp_pkey_st *key, struct ssl_ctx_st **out, struct error *e);
void tls_context_free(struct ssl_ctx_st **ctx);
/* One more owner of it. */
struct ssl_ctx_st *tls_context_ref(struct ssl_ctx_st *ctx);

/*
 * A client's connection on ctx. The server must send a CA of this pin and a server certificate of it for host
 * (name or address; NULL: any). pin NULL: any CA, for showing its pin before anything is sent.
 */
enum status tls_client_new(struct ssl_ctx_st *ctx, const uint8_t *pin, const char *host,
	struct ssl_st **out, struct error *e);
/* After a handshake that failed: true when it was a matter of trust; e says why (STATUS_UNTRUSTED, both pins when they differ). */
bool tls_untrusted(struct ssl_st *ssl, struct error *e);
/* Hash of the CA's key (last certificate that the peer sent); false if there is none. */
bool tls_peer_ca_hash(struct ssl_st *ssl, uint8_t hash[TLS_HASH_LEN]);
/* Hash of the key of the peer's own certificate; false if it sent none. */
bool tls_peer_key_hash(struct ssl_st *ssl, uint8_t hash[TLS_HASH_LEN]);

#endif
