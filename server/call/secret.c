#include "server/call/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define CA_DAYS 7300
#define SERVER_DAYS 825
#define CLIENT_DAYS 825

struct authority {
	char *dir;
	struct evp_pkey_st *key;
	struct x509_st *cert;
	char pin[TLS_PIN_SIZE];
	_Atomic int64_t server_end_ms; /* of the certificate read last */
};

enum status master_key_make(const char *path, struct error *e)
{
	uint8_t key[MASTER_KEY_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);

	if (fd < 0)
		return error_set(
			e, STATUS_INTERNAL, "cannot make \"%s\": %s", path, strerror(errno));
	randombytes_buf(key, sizeof(key));
	bool good = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) && fsync(fd) == 0;
	sodium_memzero(key, sizeof(key));
	if (close(fd) != 0 || !good)
		return error_reason(e, STATUS_INTERNAL, "io", "cannot write \"%s\"", path);
	return STATUS_OK;
}

enum status master_key_read(const char *path, uint8_t key[MASTER_KEY_BYTES], struct error *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum status s = STATUS_OK;

	if (fd < 0 || fstat(fd, &st) != 0)
		s = error_set(e, STATUS_INTERNAL, "cannot read \"%s\": %s", path, strerror(errno));
	else if (st.st_mode & 077)
		s = error_set(e, STATUS_INTERNAL, "others may read the key file \"%s\"", path);
	else if (st.st_size != MASTER_KEY_BYTES ||
		 read(fd, key, MASTER_KEY_BYTES) != MASTER_KEY_BYTES)
		s = error_set(e, STATUS_INTERNAL, "\"%s\" is not a master key", path);
	if (fd >= 0)
		close(fd);
	return s;
}

static enum status key_make(
	const char *dir, const char *name, struct evp_pkey_st **out, struct error *e)
{
	char *path = g_build_filename(dir, name, NULL);
	enum status s = tls_key_new(out, e);

	if (!s)
		s = tls_key_save(path, *out, e);
	g_free(path);
	return s;
}

static enum status cert_save(
	const char *dir, const char *name, const struct x509_st *cert, struct error *e)
{
	char *path = g_build_filename(dir, name, NULL);
	enum status s = tls_cert_save(path, cert, e);

	g_free(path);
	return s;
}

static enum status cert_load(
	const char *dir, const char *name, struct x509_st **out, struct error *e)
{
	char *path = g_build_filename(dir, name, NULL);
	enum status s = tls_cert_load(path, out, e);

	g_free(path);
	return s;
}

static enum status key_load(
	const char *dir, const char *name, struct evp_pkey_st **out, struct error *e)
{
	char *path = g_build_filename(dir, name, NULL);
	enum status s = tls_key_load(path, out, e);

	g_free(path);
	return s;
}

enum status authority_make(const char *dir, const char *const *hosts, size_t n, struct error *e)
{
	struct evp_pkey_st *ca_key = NULL, *key = NULL;
	struct x509_st *ca = NULL, *cert = NULL;
	enum status s = key_make(dir, "ca.key", &ca_key, e);

	if (!s)
		s = tls_ca_make(ca_key, "guanxi authority", CA_DAYS, &ca, e);
	if (!s)
		s = cert_save(dir, "ca.pem", ca, e);
	if (!s)
		s = key_make(dir, "server.key", &key, e);
	if (!s)
		s = tls_server_cert_make(ca, ca_key, key, hosts, n, SERVER_DAYS, &cert, e);
	if (!s)
		s = cert_save(dir, "server.pem", cert, e);
	tls_key_free(&ca_key);
	tls_key_free(&key);
	tls_cert_free(&ca);
	tls_cert_free(&cert);
	return s;
}

enum status authority_renew(const char *dir, const char *const *hosts, size_t n, struct error *e)
{
	struct evp_pkey_st *ca_key = NULL, *key = NULL;
	struct x509_st *ca = NULL, *cert = NULL;
	enum status s = key_load(dir, "ca.key", &ca_key, e);

	if (!s)
		s = cert_load(dir, "ca.pem", &ca, e);
	if (!s)
		s = key_load(dir, "server.key", &key, e);
	if (!s)
		s = tls_server_cert_make(ca, ca_key, key, hosts, n, SERVER_DAYS, &cert, e);
	if (!s)
		s = cert_save(dir, "server.pem", cert, e);
	tls_key_free(&ca_key);
	tls_key_free(&key);
	tls_cert_free(&ca);
	tls_cert_free(&cert);
	return s;
}

enum status authority_open(const char *dir, struct authority **out, struct error *e)
{
	struct authority *a = g_new0(struct authority, 1);
	struct x509_st *server = NULL;
	uint8_t hash[TLS_HASH_LEN];
	enum status s;

	a->dir = g_strdup(dir);
	s = key_load(dir, "ca.key", &a->key, e);
	if (!s)
		s = cert_load(dir, "ca.pem", &a->cert, e);
	if (!s)
		s = tls_cert_hash(a->cert, hash, e);
	if (!s)
		s = cert_load(dir, "server.pem", &server, e);
	if (!s) {
		tls_pin(hash, a->pin);
		a->server_end_ms = tls_cert_end_ms(server);
	}
	tls_cert_free(&server);
	if (s)
		authority_free(&a);
	*out = a;
	return s;
}

void authority_free(struct authority **a)
{
	if (!*a)
		return;
	tls_key_free(&(*a)->key);
	tls_cert_free(&(*a)->cert);
	g_free((*a)->dir);
	g_free(*a);
	*a = NULL;
}

void authority_pin(const struct authority *a, char out[TLS_PIN_SIZE])
{
	memcpy(out, a->pin, TLS_PIN_SIZE);
}

enum status authority_context(struct authority *a, struct ssl_ctx_st **out, struct error *e)
{
	struct evp_pkey_st *key = NULL;
	struct x509_st *cert = NULL;
	enum status s = key_load(a->dir, "server.key", &key, e);

	if (!s)
		s = cert_load(a->dir, "server.pem", &cert, e);
	if (!s)
		s = tls_server_context(cert, key, a->cert, TLS_CLIENT_OPTIONAL, out, e);
	if (!s)
		a->server_end_ms = tls_cert_end_ms(cert);
	tls_key_free(&key);
	tls_cert_free(&cert);
	return s;
}

enum status authority_sign(const struct authority *a, struct bytes request, const char *name,
	struct buf *der, uint8_t key_hash[TLS_HASH_LEN], struct error *e)
{
	return tls_client_cert_sign(a->cert, a->key, request, name, CLIENT_DAYS, der, key_hash, e);
}

int64_t authority_end_ms(const struct authority *a)
{
	int64_t ca = tls_cert_end_ms(a->cert);
	int64_t server = a->server_end_ms;

	return server < ca ? server : ca;
}
