/*
 * guanxi-notify: takes the mails that wait in the server's outbox, over its admin socket, and hands them to a mail server. A mail leaves the
 * outbox when the mail server has taken it; killed in between, it is sent again under the same Message-ID.
 */
#include "common/arena.h"
#include "common/frame.h"
#include "server/console.h"
#include "server/notify/letter.h"
#include "server/notify/smtp.h"
#include <curl/curl.h>
#include <getopt.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES (1u << 20)
#define TIMEOUT_S 60
#define INTERVAL_S 10

struct options {
	const char *dir, *credentials, *ca;
	int interval_s;
	bool once;
};

/* First line the user, second the password; a file that others may read is refused. */
struct credentials {
	char *text, *user, *password;
};

static bool credentials_read(const char *path, struct credentials *out)
{
	struct stat st;
	char *end;

	if (stat(path, &st) != 0 || (st.st_mode & 077) ||
		!g_file_get_contents(path, &out->text, NULL, NULL)) {
		fprintf(stderr,
			"guanxi-notify: \"%s\" cannot be read, or others may read it (chmod "
			"0600)\n",
			path);
		return false;
	}
	out->user = out->text;
	end = strchr(out->text, '\n');
	if (!end) {
		fprintf(stderr, "guanxi-notify: \"%s\" has no second line\n", path);
		return false;
	}
	*end = '\0';
	out->password = end + 1;
	out->password[strcspn(out->password, "\r\n")] = '\0';
	return true;
}

static struct bytes value_bytes(const Guanxi__Reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->n_value; i++)
		if (bytes_equal_str(pb_bytes(reply->value[i]->name), name))
			return pb_bytes(reply->value[i]->value);
	return bytes_of("", 0);
}

static bool post(const struct options *o, const struct credentials *login,
	const Guanxi__Reply *mail, struct arena *arena, char why[256])
{
	struct smtp smtp = { .url = console_value(mail, "mail.server", arena),
		.tls = console_value(mail, "mail.tls", arena),
		.user = login->user,
		.password = login->password,
		.ca = o->ca,
		.timeout_s = TIMEOUT_S };
	struct letter letter = { .number = console_value(mail, "number", arena),
		.created_ms = g_ascii_strtoll(console_value(mail, "created_ms", arena), NULL, 10),
		.from = console_value(mail, "mail.from", arena),
		.recipient = console_value(mail, "recipient", arena),
		.subject = value_bytes(mail, "subject"),
		.body = value_bytes(mail, "body") };
	struct buf text = BUF_INIT;
	bool sent = false;

	if (!letter_write(&letter, &text))
		snprintf(why, 256, "the address is none that mail can be sent to");
	else
		sent = smtp_send(&smtp, letter.from, letter.recipient, buf_bytes(&text), why);
	buf_free(&text);
	return sent;
}

/* The next mail after the one numbered; an empty number when there is none. False: the server does not answer. */
static bool take(const struct options *o, const char *after, struct arena *arena,
	const Guanxi__Reply **reply)
{
	struct console_arg args[] = { { "after", after } };
	struct error e;
	bool good;

	error_init(&e);
	good = console_call(o->dir, "mail.take", args, 1, arena, reply, &e) == STATUS_OK;
	if (!good)
		fprintf(stderr, "guanxi-notify: %s\n", e.message);
	error_clear(&e);
	return good;
}

static bool tell(const struct options *o, const char *number, const char *why, struct arena *arena)
{
	struct console_arg args[] = { { "number", number }, { "error", why } };
	const Guanxi__Reply *reply;
	struct error e;
	bool good;

	error_init(&e);
	good = console_call(o->dir, "mail.done", args, 2, arena, &reply, &e) == STATUS_OK;
	if (!good)
		fprintf(stderr, "guanxi-notify: %s\n", e.message);
	error_clear(&e);
	return good;
}

/* All that may be tried now, each once. 0 when every one was taken. */
static int round_of_mails(const struct options *o, const struct credentials *login)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	char after[24] = "0", why[256];
	int failed = 0;

	for (;;) {
		const Guanxi__Reply *mail;
		const char *number;

		arena_reset(arena);
		if (!take(o, after, arena, &mail)) {
			failed++;
			break;
		}
		number = console_value(mail, "number", arena);
		if (!number[0])
			break;
		g_strlcpy(after, number, sizeof after);
		why[0] = '\0';
		if (!post(o, login, mail, arena, why)) {
			fprintf(stderr, "guanxi-notify: mail %s was not taken: %s\n", after, why);
			failed++;
		}
		if (!tell(o, after, why, arena))
			break;
	}
	arena_free(&arena);
	return failed;
}

/* Until the interval is over; true when a signal asks to end. */
static bool wait_for_end(int signals, int seconds)
{
	struct pollfd fd = { .fd = signals, .events = POLLIN };

	return poll(&fd, 1, seconds * 1000) > 0;
}

static int serve(const struct options *o, const struct credentials *login)
{
	sigset_t set;
	int signals, failed;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return 1;
	do
		failed = round_of_mails(o, login);
	while (!o->once && !wait_for_end(signals, o->interval_s));
	close(signals);
	return o->once && failed ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: guanxi-notify -D DIR [--credentials FILE] [--ca FILE] "
			"[--interval SECONDS] [--once]\n");
	return 2;
}

static bool options_read(int argc, char **argv, struct options *o)
{
	static const struct option table[] = { { "dir", required_argument, NULL, 'D' },
		{ "credentials", required_argument, NULL, 'c' },
		{ "ca", required_argument, NULL, 'a' },
		{ "interval", required_argument, NULL, 'i' }, { "once", no_argument, NULL, 'o' },
		{ 0 } };
	int c;

	*o = (struct options){ .interval_s = INTERVAL_S };
	while ((c = getopt_long(argc, argv, "D:", table, NULL)) != -1) {
		if (c == 'D')
			o->dir = optarg;
		else if (c == 'c')
			o->credentials = optarg;
		else if (c == 'a')
			o->ca = optarg;
		else if (c == 'i')
			o->interval_s = (int)g_ascii_strtoll(optarg, NULL, 10);
		else if (c == 'o')
			o->once = true;
		else
			return false;
	}
	return o->dir && optind == argc && o->interval_s >= 1 && o->interval_s <= 3600;
}

int main(int argc, char **argv)
{
	struct options o;
	struct credentials login = { 0 };
	int code;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("guanxi-notify %s\n", VERSION);
		return 0;
	}
	if (!options_read(argc, argv, &o))
		return usage();
	if (o.credentials && !credentials_read(o.credentials, &login))
		return 78;
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = serve(&o, &login);
	curl_global_cleanup();
	g_free(login.text);
	return code;
}
