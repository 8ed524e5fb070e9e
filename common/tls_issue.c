/* Issuing: the CA, the server's certificate, requests and the clients' certificates. */
#include "common/tls.h"
#include <arpa/inet.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define REQUEST_MAX 8192

static bool set_name(X509_NAME *name, const char *text)
{
	/* RFC 5280: a common name has at most 64 characters */
	size_t max =
		(size_t)(g_utf8_offset_to_pointer(text, MIN(g_utf8_strlen(text, -1), 64)) - text);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		       (const unsigned char *)text, (int)max, -1, 0) == 1;
}

static bool set_serial(X509 *cert)
{
	uint8_t bytes[16];
	BIGNUM *n;
	bool good;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, always 16 bytes */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return good;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return good;
}

/* A certificate for key with everything but its extensions. issuer NULL: itself. */
static X509 *cert_new(X509 *issuer, EVP_PKEY *key, const char *name, unsigned days)
{
	X509 *cert = X509_new();
	bool good =
		cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
		X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) &&
		set_name(X509_get_subject_name(cert), name) &&
		X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) == 1 &&
		X509_set_pubkey(cert, key) == 1;

	if (!good) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static enum status finish(X509 *cert, bool good, EVP_PKEY *signer, X509 **out, struct error *e)
{
	*out = NULL;
	if (!good || X509_sign(cert, signer, EVP_sha256()) <= 0) {
		X509_free(cert);
		return tls_failed(e, "cannot make a certificate");
	}
	*out = cert;
	return STATUS_OK;
}

enum status tls_ca_make(EVP_PKEY *key, const char *name, unsigned days, X509 **out, struct error *e)
{
	X509 *cert = cert_new(NULL, key, name, days);
	bool good =
		cert &&
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		add_extension(cert, cert, NID_subject_key_identifier, "hash");

	return finish(cert, good, key, out, e);
}

static bool is_host_name(const char *name)
{
	return name[0] != '\0' && strlen(name) <= 253 &&
	       name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] ==
		       '\0';
}

/* "DNS:a,IP:1.2.3.4", or NULL with an error. The check of each name keeps commas and prefixes out of the list. */
static char *alternative_names(const char *const *names, size_t n, struct error *e)
{
	GString *s = g_string_new(NULL);
	uint8_t address[sizeof(struct in6_addr)];

	for (size_t i = 0; i < n; i++) {
		bool ip = inet_pton(AF_INET, names[i], address) == 1 ||
			  inet_pton(AF_INET6, names[i], address) == 1;

		if (!ip && !is_host_name(names[i])) {
			error_set(
				e, STATUS_INVALID, "not a host name or address: \"%s\"", names[i]);
			g_string_free(s, TRUE);
			return NULL;
		}
		g_string_append_printf(
			s, "%s%s:%s", s->len ? "," : "", ip ? "IP" : "DNS", names[i]);
	}
	if (s->len > 0)
		return g_string_free(s, FALSE);
	error_set(e, STATUS_INVALID, "a server certificate needs a name");
	g_string_free(s, TRUE);
	return NULL;
}

enum status tls_server_cert_make(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key,
	const char *const *names, size_t n, unsigned days, X509 **out, struct error *e)
{
	char *alternatives = alternative_names(names, n, e);
	X509 *cert;
	bool good;

	*out = NULL;
	if (!alternatives)
		return STATUS_INVALID;
	cert = cert_new(ca, key, names[0], days);
	good = cert && add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, ca, NID_subject_alt_name, alternatives) &&
	       add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, ca, NID_authority_key_identifier, "keyid:always");
	g_free(alternatives);
	return finish(cert, good, ca_key, out, e);
}

enum status tls_request_make(EVP_PKEY *key, const char *name, struct buf *der, struct error *e)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *out = NULL;
	int len = 0;

	if (req && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
		set_name(X509_REQ_get_subject_name(req), name) &&
		X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0)
		len = i2d_X509_REQ(req, &out);
	X509_REQ_free(req);
	if (len <= 0)
		return tls_failed(e, "cannot make a certificate request");
	buf_add(der, out, (size_t)len);
	OPENSSL_free(out);
	return STATUS_OK;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

/* The key of a request that is whole and signed by it; NULL otherwise. Owned by *req. */
static EVP_PKEY *request_key(struct bytes request, X509_REQ **req)
{
	const unsigned char *p = request.data;
	EVP_PKEY *key;

	*req = NULL;
	if (request.len == 0 || request.len > REQUEST_MAX)
		return NULL;
	*req = d2i_X509_REQ(NULL, &p, (long)request.len);
	if (!*req || p != request.data + request.len)
		return NULL;
	key = X509_REQ_get0_pubkey(*req);
	return key && is_p256(key) && X509_REQ_verify(*req, key) == 1 ? key : NULL;
}

static enum status sign_client(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *name,
	unsigned days, struct buf *der, struct error *e)
{
	X509 *cert = cert_new(ca, key, name, days);
	bool good = cert && add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
		    add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
		    add_extension(cert, ca, NID_ext_key_usage, "clientAuth") &&
		    add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
		    add_extension(cert, ca, NID_authority_key_identifier, "keyid:always");
	enum status st = finish(cert, good, ca_key, &cert, e);

	if (st == STATUS_OK)
		st = tls_cert_to_der(cert, der, e);
	X509_free(cert);
	return st;
}

enum status tls_client_cert_sign(X509 *ca, EVP_PKEY *ca_key, struct bytes request, const char *name,
	unsigned days, struct buf *der, uint8_t key_hash[TLS_HASH_LEN], struct error *e)
{
	X509_REQ *req;
	EVP_PKEY *key = request_key(request, &req);
	enum status st;

	if (key) {
		st = tls_key_hash(key, key_hash, e);
		if (st == STATUS_OK)
			st = sign_client(ca, ca_key, key, name, days, der, e);
	} else {
		ERR_clear_error();
		st = error_set(
			e, STATUS_INVALID, "not a certificate request of a P-256 key signed by it");
	}
	X509_REQ_free(req);
	return st;
}
