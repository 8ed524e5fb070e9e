#include "common/tls.h"
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

struct authority {
	EVP_PKEY *ca_key, *key;
	X509 *ca, *cert;
};

static const char *const names[] = { "crm.example", "127.0.0.1", "::1" };

static int make(void **state)
{
	struct authority *a = calloc(1, sizeof(*a));
	struct error e = { 0 };

	tls_init();
	assert_int_equal(tls_key_new(&a->ca_key, &e), STATUS_OK);
	assert_int_equal(tls_key_new(&a->key, &e), STATUS_OK);
	assert_int_equal(tls_ca_make(a->ca_key, "guanxi CA", 3650, &a->ca, &e), STATUS_OK);
	assert_int_equal(
		tls_server_cert_make(a->ca, a->ca_key, a->key, names, 3, 365, &a->cert, &e),
		STATUS_OK);
	*state = a;
	return 0;
}

static int drop(void **state)
{
	struct authority *a = *state;

	tls_key_free(&a->ca_key);
	tls_key_free(&a->key);
	tls_cert_free(&a->ca);
	tls_cert_free(&a->cert);
	free(a);
	return 0;
}

/* A whole handshake in memory: 1 when both sides are through. */
static bool shake(SSL *client, SSL *server)
{
	BIO *a, *b;
	int rc = 0, rs = 0;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_accept_state(server);
	for (int i = 0; i < 10 && (rc != 1 || rs != 1); i++) {
		rc = SSL_do_handshake(client);
		rs = SSL_do_handshake(server);
	}
	return rc == 1 && rs == 1;
}

struct pair {
	SSL_CTX *server_ctx, *client_ctx;
	SSL *server, *client;
};

static struct pair pair_new(struct authority *a, const uint8_t *pin, const char *host,
	enum tls_client_cert clients, X509 *cert, EVP_PKEY *key)
{
	struct pair p = { 0 };
	struct error e = { 0 };

	assert_int_equal(
		tls_server_context(a->cert, a->key, a->ca, clients, &p.server_ctx, &e), STATUS_OK);
	assert_int_equal(tls_client_context(cert, key, &p.client_ctx, &e), STATUS_OK);
	assert_int_equal(tls_client_new(p.client_ctx, pin, host, &p.client, &e), STATUS_OK);
	p.server = SSL_new(p.server_ctx);
	return p;
}

static void pair_free(struct pair *p)
{
	SSL_free(p->client);
	SSL_free(p->server);
	tls_context_free(&p->client_ctx);
	tls_context_free(&p->server_ctx);
}

static bool trusts(struct authority *a, const uint8_t *pin, const char *host, struct error *e)
{
	struct pair p = pair_new(a, pin, host, TLS_CLIENT_NONE, NULL, NULL);
	bool good = shake(p.client, p.server);

	if (!good)
		assert_true(tls_untrusted(p.client, e));
	else
		assert_string_equal(SSL_get_version(p.client), "TLSv1.3");
	pair_free(&p);
	return good;
}

static void client_trusts_the_pin_and_the_name_only(void **state)
{
	struct authority *a = *state;
	uint8_t pin[TLS_HASH_LEN], other[TLS_HASH_LEN] = { 1 };
	struct error e = { 0 };

	assert_int_equal(tls_cert_hash(a->ca, pin, &e), STATUS_OK);
	assert_true(trusts(a, pin, "crm.example", &e));
	assert_true(trusts(a, pin, "127.0.0.1", &e));
	assert_true(trusts(a, pin, "::1", &e));
	assert_true(trusts(a, pin, NULL, &e));
	assert_true(trusts(a, NULL, "crm.example", &e));
	assert_false(trusts(a, pin, "other.example", &e));
	assert_int_equal(e.status, STATUS_UNTRUSTED);
	assert_false(trusts(a, pin, "127.0.0.2", &e));
	assert_false(trusts(a, other, "crm.example", &e));
	assert_string_equal(e.reason, "pin");
}

static void a_client_certificate_does_not_serve(void **state)
{
	struct authority *a = *state;
	struct authority b = { .ca = a->ca };
	struct buf request = BUF_INIT, der = BUF_INIT;
	uint8_t hash[TLS_HASH_LEN], pin[TLS_HASH_LEN];
	struct error e = { 0 };

	assert_int_equal(tls_key_new(&b.key, &e), STATUS_OK);
	assert_int_equal(tls_request_make(b.key, "device", &request, &e), STATUS_OK);
	assert_int_equal(tls_client_cert_sign(a->ca, a->ca_key, buf_bytes(&request), "device", 30,
				 &der, hash, &e),
		STATUS_OK);
	assert_int_equal(tls_cert_from_der(buf_bytes(&der), &b.cert, &e), STATUS_OK);
	assert_int_equal(tls_cert_hash(a->ca, pin, &e), STATUS_OK);
	assert_false(trusts(&b, pin, NULL, &e));
	tls_key_free(&b.key);
	tls_cert_free(&b.cert);
	buf_free(&request);
	buf_free(&der);
}

static void server_records_or_demands_the_clients_certificate(void **state)
{
	struct authority *a = *state;
	EVP_PKEY *key;
	X509 *cert;
	struct buf request = BUF_INIT, der = BUF_INIT;
	uint8_t hash[TLS_HASH_LEN], seen[TLS_HASH_LEN];
	struct error e = { 0 };
	struct pair p;

	assert_int_equal(tls_key_new(&key, &e), STATUS_OK);
	assert_int_equal(tls_request_make(key, "device", &request, &e), STATUS_OK);
	assert_int_equal(tls_client_cert_sign(a->ca, a->ca_key, buf_bytes(&request), "device", 30,
				 &der, hash, &e),
		STATUS_OK);
	assert_int_equal(tls_cert_from_der(buf_bytes(&der), &cert, &e), STATUS_OK);
	p = pair_new(a, NULL, NULL, TLS_CLIENT_REQUIRED, cert, key);
	assert_true(shake(p.client, p.server));
	assert_true(tls_peer_key_hash(p.server, seen));
	assert_memory_equal(seen, hash, sizeof(hash));
	pair_free(&p);
	p = pair_new(a, NULL, NULL, TLS_CLIENT_REQUIRED, NULL, NULL);
	assert_false(shake(p.client, p.server));
	pair_free(&p);
	p = pair_new(a, NULL, NULL, TLS_CLIENT_OPTIONAL, NULL, NULL);
	assert_true(shake(p.client, p.server));
	assert_false(tls_peer_key_hash(p.server, seen));
	pair_free(&p);
	tls_key_free(&key);
	tls_cert_free(&cert);
	buf_free(&request);
	buf_free(&der);
}

static void bad_requests_are_refused(void **state)
{
	struct authority *a = *state;
	struct buf request = BUF_INIT, der = BUF_INIT;
	uint8_t hash[TLS_HASH_LEN];
	struct error e = { 0 };

	assert_int_equal(tls_request_make(a->key, "device", &request, &e), STATUS_OK);
	for (size_t cut = 0; cut < request.len; cut++)
		assert_int_equal(tls_client_cert_sign(a->ca, a->ca_key, bytes_of(request.data, cut),
					 "x", 30, &der, hash, &e),
			STATUS_INVALID);
	request.data[request.len - 1] ^= 1;
	assert_int_equal(tls_client_cert_sign(
				 a->ca, a->ca_key, buf_bytes(&request), "x", 30, &der, hash, &e),
		STATUS_INVALID);
	assert_int_equal(der.len, 0);
	buf_free(&request);
	buf_free(&der);
}

static void names_of_a_certificate_are_checked(void **state)
{
	struct authority *a = *state;
	const char *bad[] = { "a,DNS:evil.example" };
	X509 *cert;
	struct error e = { 0 };

	assert_int_equal(tls_server_cert_make(a->ca, a->ca_key, a->key, bad, 1, 1, &cert, &e),
		STATUS_INVALID);
	assert_int_equal(tls_server_cert_make(a->ca, a->ca_key, a->key, bad, 0, 1, &cert, &e),
		STATUS_INVALID);
}

static void a_key_file_is_private(void **state)
{
	struct authority *a = *state;
	char path[] = "/tmp/tls_test.XXXXXX";
	uint8_t before[TLS_HASH_LEN], after[TLS_HASH_LEN];
	EVP_PKEY *key;
	struct stat st;
	struct error e = { 0 };

	close(mkstemp(path));
	assert_int_equal(tls_key_save(path, a->key, &e), STATUS_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tls_key_load(path, &key, &e), STATUS_OK);
	tls_key_hash(a->key, before, &e);
	tls_key_hash(key, after, &e);
	assert_memory_equal(before, after, sizeof(before));
	tls_key_free(&key);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(tls_key_load(path, &key, &e), STATUS_DENIED);
	unlink(path);
}

static void a_pin_is_written_one_way_and_read_in_several(void **state)
{
	uint8_t hash[TLS_HASH_LEN], back[TLS_HASH_LEN];
	char pin[TLS_PIN_SIZE], upper[TLS_PIN_SIZE + 8];

	for (size_t i = 0; i < sizeof(hash); i++)
		hash[i] = (uint8_t)(i * 9);
	tls_pin(hash, pin);
	assert_int_equal(strlen(pin), 64);
	assert_memory_equal(pin, "0009121b", 8);
	assert_true(tls_pin_parse(bytes_str(pin), back));
	assert_memory_equal(hash, back, sizeof(hash));
	snprintf(upper, sizeof(upper), "sha256:%s", pin);
	assert_true(tls_pin_parse(bytes_str(upper), back));
	assert_memory_equal(hash, back, sizeof(hash));
	assert_false(tls_pin_parse(bytes_of(pin, 63), back));
	assert_false(tls_pin_parse(bytes_str("zz"), back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_trusts_the_pin_and_the_name_only),
		cmocka_unit_test(a_client_certificate_does_not_serve),
		cmocka_unit_test(server_records_or_demands_the_clients_certificate),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(names_of_a_certificate_are_checked),
		cmocka_unit_test(a_key_file_is_private),
		cmocka_unit_test(a_pin_is_written_one_way_and_read_in_several),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
