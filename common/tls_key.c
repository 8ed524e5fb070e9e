/* Keys, certificates and requests as values and files. */
#include "common/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX (64 * 1024)

void tls_init(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

enum status tls_failed(struct error *e, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return error_set(
		e, STATUS_INTERNAL, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

enum status tls_key_new(EVP_PKEY **out, struct error *e)
{
	*out = EVP_EC_gen("P-256");
	return *out ? STATUS_OK : tls_failed(e, "cannot make a key");
}

void tls_key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

static enum status hash_of_spki(
	unsigned char *der, int len, uint8_t hash[TLS_HASH_LEN], struct error *e)
{
	if (len <= 0)
		return tls_failed(e, "cannot write a public key");
	SHA256(der, (size_t)len, hash);
	OPENSSL_free(der);
	return STATUS_OK;
}

enum status tls_key_hash(const EVP_PKEY *key, uint8_t hash[TLS_HASH_LEN], struct error *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY((EVP_PKEY *)key, &der);

	return hash_of_spki(der, len, hash, e);
}

enum status tls_cert_hash(const X509 *cert, uint8_t hash[TLS_HASH_LEN], struct error *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	return hash_of_spki(der, len, hash, e);
}

static enum status take_bio(BIO *bio, bool good, struct buf *out, struct error *e)
{
	char *data;
	long len;

	if (good && (len = BIO_get_mem_data(bio, &data)) > 0)
		buf_add(out, data, (size_t)len);
	else
		good = false;
	BIO_free(bio);
	return good ? STATUS_OK : tls_failed(e, "cannot write PEM");
}

enum status tls_key_to_pem(const EVP_PKEY *key, struct buf *out, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio)
		return tls_failed(e, "out of memory");
	return take_bio(bio,
		PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, out, e);
}

enum status tls_cert_to_pem(const X509 *cert, struct buf *out, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio)
		return tls_failed(e, "out of memory");
	return take_bio(bio, PEM_write_bio_X509(bio, (X509 *)cert) == 1, out, e);
}

/* No passphrase is ever asked for on a terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *u)
{
	return -1;
}

enum status tls_key_from_pem(struct bytes pem, EVP_PKEY **out, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem.data, pem.len <= PEM_MAX ? (int)pem.len : 0);

	*out = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (*out)
		return STATUS_OK;
	ERR_clear_error();
	return error_set(e, STATUS_INVALID, "not a private key in PEM");
}

enum status tls_cert_from_pem(struct bytes pem, X509 **out, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem.data, pem.len <= PEM_MAX ? (int)pem.len : 0);

	*out = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (*out)
		return STATUS_OK;
	ERR_clear_error();
	return error_set(e, STATUS_INVALID, "not a certificate in PEM");
}

enum status tls_cert_to_der(const X509 *cert, struct buf *out, struct error *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509((X509 *)cert, &der);

	if (len <= 0)
		return tls_failed(e, "cannot write a certificate");
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	return STATUS_OK;
}

enum status tls_cert_from_der(struct bytes der, X509 **out, struct error *e)
{
	const unsigned char *p = der.data;

	*out = der.len > 0 && der.len <= PEM_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;
	if (*out && p == der.data + der.len)
		return STATUS_OK;
	tls_cert_free(out);
	ERR_clear_error();
	return error_set(e, STATUS_INVALID, "not a certificate in DER");
}

void tls_cert_free(X509 **cert)
{
	X509_free(*cert);
	*cert = NULL;
}

int64_t tls_cert_end_ms(const X509 *cert)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

/* Files. */

static enum status read_file(const char *path, bool secret, struct buf *out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return error_set(e, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_INTERNAL,
			"cannot open \"%s\": %s", path, g_strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= PEM_MAX) {
		buf_reserve(out, (size_t)st.st_size);
		n = read(fd, out->data, (size_t)st.st_size);
	}
	close(fd);
	if (n < 0 || n != st.st_size)
		return error_set(e, STATUS_INTERNAL, "cannot read \"%s\"", path);
	out->len = (size_t)n;
	if (secret && (st.st_mode & 077))
		return error_set(e, STATUS_DENIED, "readable by others: \"%s\"", path);
	return STATUS_OK;
}

static bool write_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t n = write(fd, data.data, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data.data += n;
		data.len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static bool sync_folder(const char *path)
{
	char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	g_free(folder);
	return good;
}

static enum status write_file(const char *path, struct bytes data, struct error *e)
{
	char *other = g_strdup_printf("%s.new", path);
	enum status st = STATUS_OK;
	int fd;
	bool good;

	unlink(other);
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	good = fd >= 0 && write_all(fd, data);
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && rename(other, path) == 0 && sync_folder(path);
	if (!good) {
		st = error_set(e, errno == ENOSPC ? STATUS_STORAGE_FULL : STATUS_INTERNAL,
			"cannot write \"%s\": %s", path, g_strerror(errno));
		unlink(other);
	}
	g_free(other);
	return st;
}

/* A secret does not stay in freed memory. */
static void buf_wipe(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_free(b);
}

enum status tls_key_load(const char *path, EVP_PKEY **out, struct error *e)
{
	struct buf pem = BUF_INIT;
	enum status st = read_file(path, true, &pem, e);

	*out = NULL;
	if (st == STATUS_OK && (st = tls_key_from_pem(buf_bytes(&pem), out, e)) != STATUS_OK)
		error_prefix(e, "%s", path);
	buf_wipe(&pem);
	return st;
}

enum status tls_key_save(const char *path, const EVP_PKEY *key, struct error *e)
{
	struct buf pem = BUF_INIT;
	enum status st = tls_key_to_pem(key, &pem, e);

	if (st == STATUS_OK)
		st = write_file(path, buf_bytes(&pem), e);
	buf_wipe(&pem);
	return st;
}

enum status tls_cert_load(const char *path, X509 **out, struct error *e)
{
	struct buf pem = BUF_INIT;
	enum status st = read_file(path, false, &pem, e);

	*out = NULL;
	if (st == STATUS_OK && (st = tls_cert_from_pem(buf_bytes(&pem), out, e)) != STATUS_OK)
		error_prefix(e, "%s", path);
	buf_free(&pem);
	return st;
}

enum status tls_cert_save(const char *path, const X509 *cert, struct error *e)
{
	struct buf pem = BUF_INIT;
	enum status st = tls_cert_to_pem(cert, &pem, e);

	if (st == STATUS_OK)
		st = write_file(path, buf_bytes(&pem), e);
	buf_free(&pem);
	return st;
}

/* The pin. */

void tls_pin(const uint8_t hash[TLS_HASH_LEN], char out[TLS_PIN_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < TLS_HASH_LEN; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[TLS_PIN_SIZE - 1] = '\0';
}

bool tls_pin_parse(struct bytes text, uint8_t hash[TLS_HASH_LEN])
{
	size_t digits = 0;

	if (bytes_starts(text, bytes_str("sha256:"))) {
		text.data += 7;
		text.len -= 7;
	}
	memset(hash, 0, TLS_HASH_LEN);
	for (size_t i = 0; i < text.len; i++) {
		int v = g_ascii_xdigit_value((gchar)text.data[i]);

		if (text.data[i] == ':')
			continue;
		if (v < 0 || digits >= 2 * TLS_HASH_LEN)
			return false;
		hash[digits / 2] = (uint8_t)(hash[digits / 2] << 4 | v);
		digits++;
	}
	return digits == 2 * TLS_HASH_LEN;
}
