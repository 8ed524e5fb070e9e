/* Contexts, and what a client demands of the server's certificate. */
#include "common/tls.h"
#include <arpa/inet.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* What a client's connection demands and what it got. */
struct expected {
	bool any; /* no pin */
	uint8_t pin[TLS_HASH_LEN];
	bool saw;
	uint8_t seen[TLS_HASH_LEN]; /* key of the CA that was sent */
};

static void expected_free(
	void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	g_free(ptr);
}

static void *make_index(void *arg)
{
	return GINT_TO_POINTER(SSL_get_ex_new_index(0, NULL, NULL, NULL, expected_free));
}

static int expected_index(void)
{
	static GOnce once = G_ONCE_INIT; /* constant after the first use */

	return GPOINTER_TO_INT(g_once(&once, make_index, NULL));
}

void tls_context_free(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
	*ctx = NULL;
}

SSL_CTX *tls_context_ref(SSL_CTX *ctx)
{
	SSL_CTX_up_ref(ctx);
	return ctx;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ctx, 3);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
		SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
					      "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
		SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* With TLS_CLIENT_OPTIONAL a bad certificate does not end the handshake; SSL_get_verify_result keeps the verdict. */
static int record_verdict(int good, X509_STORE_CTX *x)
{
	return 1;
}

static bool ask_for_client(SSL_CTX *ctx, X509 *ca, enum tls_client_cert clients)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (clients == TLS_CLIENT_NONE)
		return true;
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_depth(param, 2);
	if (clients == TLS_CLIENT_OPTIONAL)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, record_verdict);
	else
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
	       SSL_CTX_add_client_CA(ctx, ca) == 1;
}

static bool issued_by(X509 *cert, X509 *ca)
{
	EVP_PKEY *key = X509_get0_pubkey(ca);

	return key && X509_verify(cert, key) == 1;
}

enum status tls_server_context(X509 *cert, EVP_PKEY *key, X509 *ca, enum tls_client_cert clients,
	SSL_CTX **out, struct error *e)
{
	SSL_CTX *ctx = context_new(TLS_server_method());
	bool good = ctx && SSL_CTX_use_certificate(ctx, cert) == 1 &&
		    SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1 &&
		    issued_by(cert, ca) && SSL_CTX_add1_chain_cert(ctx, ca) == 1 &&
		    ask_for_client(ctx, ca, clients);

	*out = NULL;
	if (!good) {
		SSL_CTX_free(ctx);
		return tls_failed(e, "cannot use the server's certificate");
	}
	SSL_CTX_set_read_ahead(ctx, 1);
	*out = ctx;
	return STATUS_OK;
}

/* The certificate among those sent whose key is wanted; with any, the last. */
static X509 *find_ca(STACK_OF(X509) * sent, struct expected *want)
{
	for (int i = sk_X509_num(sent) - 1; i >= 0; i--) {
		X509 *cert = sk_X509_value(sent, i);
		uint8_t hash[TLS_HASH_LEN];

		if (tls_cert_hash(cert, hash, NULL) != STATUS_OK)
			continue;
		if (!want->saw)
			memcpy(want->seen, hash, sizeof(hash));
		want->saw = true;
		if (want->any || memcmp(hash, want->pin, sizeof(hash)) == 0) {
			memcpy(want->seen, hash, sizeof(hash));
			return cert;
		}
	}
	return NULL;
}

/* In place of OpenSSL's own check: the only anchor is the certificate of the pin; then the usual rules. */
static int check_server(X509_STORE_CTX *x, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct expected *want = SSL_get_ex_data(ssl, expected_index());
	X509 *ca = want ? find_ca(X509_STORE_CTX_get0_untrusted(x), want) : NULL;
	STACK_OF(X509) * anchors;
	int good;

	if (!ca) {
		X509_STORE_CTX_set_error(x, X509_V_ERR_CERT_UNTRUSTED);
		return 0;
	}
	anchors = sk_X509_new_null();
	if (!anchors || !sk_X509_push(anchors, ca)) {
		sk_X509_free(anchors);
		X509_STORE_CTX_set_error(x, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	X509_STORE_CTX_set0_trusted_stack(x, anchors);
	good = X509_verify_cert(x);
	sk_X509_free(anchors);
	return good == 1;
}

enum status tls_client_context(X509 *cert, EVP_PKEY *key, SSL_CTX **out, struct error *e)
{
	SSL_CTX *ctx = context_new(TLS_client_method());
	bool good = ctx != NULL;

	*out = NULL;
	if (good && cert && key)
		good = SSL_CTX_use_certificate(ctx, cert) == 1 &&
		       SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
	if (!good) {
		SSL_CTX_free(ctx);
		return tls_failed(e, "cannot use the device's certificate");
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, check_server, NULL);
	*out = ctx;
	return STATUS_OK;
}

static bool expect_host(SSL *ssl, const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	if (!host)
		return true;
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum status tls_client_new(
	SSL_CTX *ctx, const uint8_t *pin, const char *host, SSL **out, struct error *e)
{
	SSL *ssl = SSL_new(ctx);
	struct expected *want = g_new0(struct expected, 1);

	*out = NULL;
	want->any = pin == NULL;
	if (pin)
		memcpy(want->pin, pin, sizeof(want->pin));
	if (!ssl || SSL_set_ex_data(ssl, expected_index(), want) != 1) {
		g_free(want);
		SSL_free(ssl);
		return tls_failed(e, "cannot start TLS");
	}
	if (!expect_host(ssl, host)) {
		SSL_free(ssl);
		return tls_failed(e, "cannot start TLS");
	}
	SSL_set_connect_state(ssl);
	*out = ssl;
	return STATUS_OK;
}

bool tls_untrusted(SSL *ssl, struct error *e)
{
	struct expected *want = SSL_get_ex_data(ssl, expected_index());
	long verdict = SSL_get_verify_result(ssl);
	char wanted[TLS_PIN_SIZE], seen[TLS_PIN_SIZE];

	if (verdict == X509_V_OK)
		return false;
	if (want && !want->any && want->saw && memcmp(want->pin, want->seen, TLS_HASH_LEN) != 0) {
		tls_pin(want->pin, wanted);
		tls_pin(want->seen, seen);
		error_reason(e, STATUS_UNTRUSTED, "pin",
			"the server's certificate authority has another fingerprint: %s instead of "
			"%s",
			seen, wanted);
		return true;
	}
	error_set(e, STATUS_UNTRUSTED, "the server's certificate is not accepted: %s",
		X509_verify_cert_error_string(verdict));
	return true;
}

bool tls_peer_ca_hash(SSL *ssl, uint8_t hash[TLS_HASH_LEN])
{
	struct expected *want = SSL_get_ex_data(ssl, expected_index());

	if (!want || !want->saw)
		return false;
	memcpy(hash, want->seen, TLS_HASH_LEN);
	return true;
}

bool tls_peer_key_hash(SSL *ssl, uint8_t hash[TLS_HASH_LEN])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);

	return cert && tls_cert_hash(cert, hash, NULL) == STATUS_OK;
}
