#include "common/tls.h"
#include "server/net/stream.h"
#include <glib.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

#define BIG (300 * 1024)

/* A server of one connection: gives back every line. */
struct echo {
	struct loop *loop;
	struct streams *set;
	struct stream *stream;
	SSL_CTX *ctx;
	int fd; /* the peer's end */
	int server_fd;
	pthread_t thread;
	size_t largest; /* most bytes given at once */
	bool hold;      /* take nothing, pause */
	bool quit;      /* say goodbye after the first line */
	bool opened, clean;
	const char *why;
};

static void opened(void *arg)
{
	struct echo *o = arg;

	o->opened = true;
}

static size_t input(void *arg, struct bytes in)
{
	struct echo *o = arg;
	const uint8_t *end = memrchr(in.data, '\n', in.len);
	size_t lines = end ? (size_t)(end - in.data) + 1 : 0;

	o->largest = MAX(o->largest, in.len);
	if (o->hold) {
		stream_pause(o->stream, true);
		return 0;
	}
	if (lines > 0)
		buf_add(stream_output(o->stream), in.data, lines);
	if (lines > 0 && o->quit)
		stream_close(o->stream);
	return lines;
}

static void drained(void *arg)
{
}

static void closed(void *arg, bool clean, const char *why)
{
	struct echo *o = arg;

	o->clean = clean;
	o->why = why;
	stream_free(&o->stream);
	loop_stop(o->loop);
}

static const struct stream_handler handler = {
	.open = opened,
	.input = input,
	.drained = drained,
	.closed = closed,
};

static void *run(void *arg)
{
	struct echo *o = arg;

	o->stream = stream_new(o->set, o->server_fd, o->ctx, &handler, o);
	loop_run(o->loop);
	return NULL;
}

static void echo_start(struct echo *o, SSL_CTX *ctx)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	o->fd = fds[0];
	o->server_fd = fds[1];
	o->ctx = ctx;
	o->loop = loop_new("echo");
	o->set = streams_new(o->loop);
	assert_int_equal(pthread_create(&o->thread, NULL, run, o), 0);
}

/* Waits until the server has closed. */
static void echo_join(struct echo *o)
{
	pthread_join(o->thread, NULL);
	streams_free(&o->set);
	loop_free(&o->loop);
}

static void read_exactly(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, to, len);

		assert_true(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

static void plain_lines_come_back_however_they_are_cut(void **state)
{
	struct echo o = { 0 };
	const char text[] = "one\ntwo\nthree\n";
	uint8_t back[sizeof(text)];

	echo_start(&o, NULL);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(write(o.fd, text + i, 1), 1);
	read_exactly(o.fd, back, sizeof(text) - 1);
	assert_memory_equal(back, text, sizeof(text) - 1);
	close(o.fd);
	echo_join(&o);
	assert_true(o.opened);
	assert_true(o.clean);
}

static void a_paused_stream_reads_no_more(void **state)
{
	struct echo o = { .hold = true };
	uint8_t *data = g_malloc(BIG);
	size_t total = 0;
	ssize_t n;

	memset(data, 'x', BIG);
	echo_start(&o, NULL);
	evutil_make_socket_nonblocking(o.fd);
	/* the socket's own buffer fills up: nobody takes it away */
	for (int idle = 0; idle < 3;) {
		n = write(o.fd, data, BIG);
		if (n > 0)
			total += (size_t)n;
		else
			idle++;
		if (n < 0)
			g_usleep(1000);
		assert_true(total < 64u * 1024 * 1024);
	}
	assert_true(o.largest <= STREAM_ROUND);
	loop_post(o.loop, (loop_fn *)loop_stop, o.loop);
	close(o.fd);
	pthread_join(o.thread, NULL);
	stream_free(&o.stream);
	streams_free(&o.set);
	loop_free(&o.loop);
	g_free(data);
}

struct tls {
	EVP_PKEY *ca_key, *key;
	X509 *ca, *cert;
	SSL_CTX *server, *client;
	SSL *ssl;
};

static void tls_start(struct tls *t, struct echo *o)
{
	static const char *const names[] = { "localhost" };
	struct error e = { 0 };

	tls_init();
	assert_int_equal(tls_key_new(&t->ca_key, &e), STATUS_OK);
	assert_int_equal(tls_key_new(&t->key, &e), STATUS_OK);
	assert_int_equal(tls_ca_make(t->ca_key, "CA", 10, &t->ca, &e), STATUS_OK);
	assert_int_equal(tls_server_cert_make(t->ca, t->ca_key, t->key, names, 1, 10, &t->cert, &e),
		STATUS_OK);
	assert_int_equal(
		tls_server_context(t->cert, t->key, t->ca, TLS_CLIENT_OPTIONAL, &t->server, &e),
		STATUS_OK);
	assert_int_equal(tls_client_context(NULL, NULL, &t->client, &e), STATUS_OK);
	assert_int_equal(tls_client_new(t->client, NULL, "localhost", &t->ssl, &e), STATUS_OK);
	echo_start(o, t->server);
	assert_int_equal(SSL_set_fd(t->ssl, o->fd), 1);
	assert_int_equal(SSL_do_handshake(t->ssl), 1);
}

static void tls_end(struct tls *t)
{
	SSL_free(t->ssl);
	tls_context_free(&t->client);
	tls_context_free(&t->server);
	tls_key_free(&t->ca_key);
	tls_key_free(&t->key);
	tls_cert_free(&t->ca);
	tls_cert_free(&t->cert);
}

static void write_all(SSL *ssl, const uint8_t *data, size_t len)
{
	while (len > 0) {
		int n = SSL_write(ssl, data, (int)len);

		assert_true(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static void long_lines_pass_through_tls(void **state)
{
	struct echo o = { 0 };
	struct tls t = { 0 };
	uint8_t *back = g_malloc(BIG);

	tls_start(&t, &o);
	/* one line at a time: an SSL object belongs to one thread */
	for (int i = 0; i < 4; i++) {
		memset(back, 'a' + i, BIG);
		back[BIG - 1] = '\n';
		write_all(t.ssl, back, BIG);
		memset(back, 0, BIG);
		for (size_t have = 0; have < BIG;) {
			int n = SSL_read(t.ssl, back + have, (int)(BIG - have));

			assert_true(n > 0);
			have += (size_t)n;
		}
		assert_int_equal(back[0], 'a' + i);
		assert_int_equal(back[BIG - 2], 'a' + i);
	}
	SSL_shutdown(t.ssl);
	echo_join(&o);
	assert_true(o.clean);
	close(o.fd);
	tls_end(&t);
	g_free(back);
}

static void goodbye_follows_the_last_byte(void **state)
{
	struct echo o = { .quit = true };
	struct tls t = { 0 };
	uint8_t back[16];

	tls_start(&t, &o);
	write_all(t.ssl, (const uint8_t *)"bye\n", 4);
	assert_int_equal(SSL_read(t.ssl, back, sizeof(back)), 4);
	assert_int_equal(
		SSL_get_error(t.ssl, SSL_read(t.ssl, back, sizeof(back))), SSL_ERROR_ZERO_RETURN);
	close(o.fd);
	echo_join(&o);
	assert_true(o.clean);
	tls_end(&t);
}

static void an_end_without_goodbye_is_not_clean(void **state)
{
	struct echo o = { 0 };
	struct tls t = { 0 };

	tls_start(&t, &o);
	write_all(t.ssl, (const uint8_t *)"half a line", 11);
	close(o.fd);
	echo_join(&o);
	assert_false(o.clean);
	assert_string_equal(o.why, "connection lost");
	tls_end(&t);
}

static void key_updates_beyond_the_limit_end_the_connection(void **state)
{
	struct echo o = { 0 };
	struct tls t = { 0 };

	tls_start(&t, &o);
	for (unsigned i = 0; i < 10 * STREAM_KEY_UPDATES; i++) {
		if (SSL_key_update(t.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
			SSL_do_handshake(t.ssl) != 1)
			break;
	}
	echo_join(&o);
	assert_false(o.clean);
	assert_string_equal(o.why, "too many key updates");
	close(o.fd);
	tls_end(&t);
}

static void plain_text_on_a_tls_port_is_cut(void **state)
{
	struct echo o = { 0 };
	struct tls t = { 0 };
	struct error e = { 0 };
	const char *text = "GET / HTTP/1.1\r\n\r\n";
	static const char *const names[] = { "localhost" };

	tls_init();
	assert_int_equal(tls_key_new(&t.key, &e), STATUS_OK);
	assert_int_equal(tls_ca_make(t.key, "CA", 10, &t.ca, &e), STATUS_OK);
	assert_int_equal(
		tls_server_cert_make(t.ca, t.key, t.key, names, 1, 10, &t.cert, &e), STATUS_OK);
	assert_int_equal(
		tls_server_context(t.cert, t.key, t.ca, TLS_CLIENT_NONE, &t.server, &e), STATUS_OK);
	echo_start(&o, t.server);
	assert_int_equal(write(o.fd, text, strlen(text)), strlen(text));
	echo_join(&o);
	assert_false(o.opened);
	assert_string_equal(o.why, "TLS handshake failed");
	close(o.fd);
	tls_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines_come_back_however_they_are_cut),
		cmocka_unit_test(a_paused_stream_reads_no_more),
		cmocka_unit_test(long_lines_pass_through_tls),
		cmocka_unit_test(goodbye_follows_the_last_byte),
		cmocka_unit_test(an_end_without_goodbye_is_not_clean),
		cmocka_unit_test(key_updates_beyond_the_limit_end_the_connection),
		cmocka_unit_test(plain_text_on_a_tls_port_is_cut),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
