/* login, join, logout, whoami, passwd */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/profile.h"
#include "client/prompt.h"
#include "client/request.h"
#include "common/tls.h"
#include <unistd.h>

/* A key for this device and the request for its certificate. */
static enum status make_key(struct profile *p, struct buf *request, struct error *e)
{
	struct evp_pkey_st *key = NULL;

	tls_init();
	enum status st = tls_key_new(&key, e);
	buf_clear(&p->key_pem);
	if (!st)
		st = tls_key_to_pem(key, &p->key_pem, e);
	if (!st)
		st = tls_request_make(key, "guanxi", request, e);
	tls_key_free(&key);
	return st;
}

/* So that the first command needs one round trip; it can live without. */
static void learn_schema(struct app *app)
{
	struct error e;

	error_init(&e);
	catalog_sync(app, &e);
	error_clear(&e);
}

/* Sends a login of either kind and keeps what it brings. */
static enum status log_in(struct app *app, Guanxi__Request *r, const char *server, struct error *e)
{
	struct profile *p = app->profile;
	struct x509_st *certificate = NULL;
	struct buf request = BUF_INIT;
	const Guanxi__Reply *reply;
	enum status st = make_key(p, &request, e);

	if (!st) {
		request_arg(app->arena, r, "certificate_request", buf_bytes(&request));
		st = link_call(app, r, &reply, e);
	}
	buf_free(&request);
	if (st)
		return st;
	link_logged_in(app->link, reply);
	buf_clear(&p->certificate_pem);
	st = tls_cert_from_der(answer_value(reply, "certificate"), &certificate, e);
	if (!st)
		st = tls_cert_to_pem(certificate, &p->certificate_pem, e);
	tls_cert_free(&certificate);
	if (st)
		return st;
	char *user = bytes_dup(answer_value(reply, "username"));
	profile_set(&p->user, user);
	profile_set(&p->server, server);
	profile_set(&p->pin, link_pin(app->link));
	buf_clear(&p->token);
	buf_add_bytes(&p->token, answer_value(reply, "token"));
	app_say(app, app_tr(app, "logged in as %s"), user);
	free(user);
	if (answer_value(reply, "must_change_password").len)
		app_say(app, "%s: %s", app_tr(app, "password"),
			app_tr(app, "must be changed first: use 'guanxi passwd'"));
	st = profile_save(p, e);
	if (!st)
		learn_schema(app);
	return st;
}

static enum status fingerprint_of_file(const char *path, char pin[TLS_PIN_SIZE], struct error *e)
{
	struct x509_st *ca = NULL;
	uint8_t hash[TLS_HASH_LEN];

	tls_init();
	enum status st = tls_cert_load(path, &ca, e);
	if (!st)
		st = tls_cert_hash(ca, hash, e);
	if (!st)
		tls_pin(hash, pin);
	tls_cert_free(&ca);
	return st ? error_set(e, STATUS_USAGE, "cannot use '%s' as a certificate", path) : st;
}

/* The pin to trust: of --ca, --fingerprint, or the profile's. Empty: ask the person. */
static enum status wanted_pin(
	struct app *app, const char *server, char pin[TLS_PIN_SIZE], struct error *e)
{
	const struct profile *p = app->profile;
	uint8_t hash[TLS_HASH_LEN];

	pin[0] = '\0';
	if (app->opt.ca)
		return fingerprint_of_file(app->opt.ca, pin, e);
	if (app->opt.fingerprint) {
		if (!tls_pin_parse(bytes_str(app->opt.fingerprint), hash))
			return error_set(e, STATUS_USAGE, app_tr(app, "'%s' is not a fingerprint"),
				app->opt.fingerprint);
		tls_pin(hash, pin);
		return STATUS_OK;
	}
	if (p->pin && p->server && !strcmp(p->server, server))
		snprintf(pin, TLS_PIN_SIZE, "%s", p->pin);
	else if (!isatty(STDIN_FILENO))
		return error_set(e, STATUS_USAGE, "%s",
			app_tr(app, "the server is not known yet; give --ca or --fingerprint"));
	return STATUS_OK;
}

/* Trust on first use: nothing but the greeting has been sent yet. */
static enum status ask_trust(struct app *app, const char *server, struct error *e)
{
	char question[256];

	fprintf(stderr, app_tr(app, "server %s shows the fingerprint\n  %s\n"), server,
		link_pin(app->link));
	snprintf(question, sizeof question, "%s", app_tr(app, "trust it from now on"));
	/* -y does not answer this one: it would trust anybody. */
	struct app asking = *app;
	asking.opt.yes = false;
	return prompt_yes(&asking, question, e);
}

static enum status run_login(struct app *app, struct error *e)
{
	char pin[TLS_PIN_SIZE];
	struct buf password = BUF_INIT;
	enum status st = app_need_args(app, 0, 1, e);

	if (st)
		return st;
	const char *server = app->nargs ? app->args[0] : app->opt.server;
	const char *user = app->opt.user ? app->opt.user : app->profile->user;
	if (!server)
		server = app->profile->server;
	if (!server)
		return error_set(e, STATUS_USAGE, "%s", app_tr(app, "no server; give HOST:PORT"));
	if (!user)
		return error_set(e, STATUS_USAGE, "%s", app_tr(app, "no user; give -u USER"));
	server = arena_str(app->arena, bytes_str(server));
	user = arena_str(app->arena, bytes_str(user));
	st = wanted_pin(app, server, pin, e);
	if (!st)
		st = link_open_stranger(app, server, pin[0] ? pin : NULL, e);
	if (!st && !pin[0])
		st = ask_trust(app, server, e);
	if (!st)
		st = prompt_secret(app, app->opt.password_file, "--password-file",
			app_tr(app, "password"), false, &password, e);
	if (!st) {
		Guanxi__Request *r = request_bare(app->arena, bytes_str("session.login"));

		request_arg(app->arena, r, "username", bytes_str(user));
		request_arg(app->arena, r, "password", buf_bytes(&password));
		st = log_in(app, r, server, e);
	}
	buf_free(&password);
	return st;
}

/* A part of the join line's query, copied; NULL when it is not there. */
static const char *query_part(struct app *app, const char *query, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = query; p && *p;) {
		size_t n = strcspn(p, "&");

		if (n > len && !memcmp(p, name, len) && p[len] == '=')
			return arena_str(app->arena, bytes_of(p + len + 1, n - len - 1));
		p += n + (p[n] == '&');
	}
	return NULL;
}

static enum status run_join(struct app *app, struct error *e)
{
	static const char scheme[] = "guanxi://";
	struct buf password = BUF_INIT;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	const char *line = app->args[0];
	const char *server =
		strncmp(line, scheme, sizeof scheme - 1) ? NULL : line + sizeof scheme - 1;
	const char *pin = query_part(app, strchr(line, '?') ? strchr(line, '?') + 1 : NULL, "pin");
	const char *code =
		query_part(app, strchr(line, '?') ? strchr(line, '?') + 1 : NULL, "code");
	if (!server || !pin || !code)
		return error_set(e, STATUS_USAGE, "%s",
			app_tr(app, "not a join line; it looks like "
				    "guanxi://HOST:PORT/?pin=...&code=..."));
	server = arena_str(app->arena, bytes_of(server, strcspn(server, "/?")));
	st = link_open_stranger(app, server, pin, e);
	if (!st)
		st = prompt_secret(app, app->opt.password_file, "--password-file",
			app_tr(app, "new password"), true, &password, e);
	if (!st) {
		Guanxi__Request *r = request_bare(app->arena, bytes_str("session.join"));

		request_arg(app->arena, r, "code", bytes_str(code));
		request_arg(app->arena, r, "password", buf_bytes(&password));
		st = log_in(app, r, server, e);
	}
	buf_free(&password);
	return st;
}

static enum status run_logout(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 0, 0, e);

	if (st)
		return st;
	if (app->profile->token.len) {
		st = link_call(app, request_new(app, "session.logout"), &reply, e);
		/* A session that is over already, or a server that is gone: forget it here all the same. */
		if (st && st != STATUS_UNAUTHENTICATED)
			app_say(app, app_tr(app, "the server was not told: %s"), e->message);
	}
	error_clear(e);
	return profile_forget_token(app->profile, e);
}

static enum status run_whoami(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = link_call(app, request_new(app, "session.whoami"), &reply, e);
	return st ? st : print_values(app, reply, "username name branch_name language", e);
}

static enum status run_passwd(struct app *app, struct error *e)
{
	struct buf old = BUF_INIT, fresh = BUF_INIT;
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = prompt_secret(app, app->opt.old_file, "--old-file",
			app_tr(app, "old password"), false, &old, e);
	if (!st)
		st = prompt_secret(app, app->opt.new_file, "--new-file",
			app_tr(app, "new password"), true, &fresh, e);
	if (!st) {
		Guanxi__Request *r = request_new(app, "session.password");

		request_arg(app->arena, r, "old", buf_bytes(&old));
		request_arg(app->arena, r, "new", buf_bytes(&fresh));
		st = link_call(app, r, &reply, e);
	}
	buf_free(&old);
	buf_free(&fresh);
	return st;
}

const struct command cmd_login = {
	.name = "login",
	.usage = "[HOST:PORT] -u USER",
	.options = "user password-file ca fingerprint",
	.help = "log in and keep the session in the profile",
	.run = run_login,
};

const struct command cmd_join = {
	.name = "join",
	.usage = "'guanxi://HOST:PORT/?pin=...&code=...'",
	.options = "password-file",
	.help = "first contact: set the password, make the key of this device",
	.run = run_join,
};

const struct command cmd_logout = {
	.name = "logout",
	.usage = "",
	.help = "end the session",
	.run = run_logout,
};

const struct command cmd_whoami = {
	.name = "whoami",
	.usage = "",
	.help = "who is logged in, with which roles",
	.run = run_whoami,
};

const struct command cmd_passwd = {
	.name = "passwd",
	.usage = "",
	.options = "old-file new-file",
	.help = "change the password",
	.run = run_passwd,
};
