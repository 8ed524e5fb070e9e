/* The server itself: its health, invitations, copies. */
#include "common/clock.h"
#include "common/text.h"
#include "common/tls.h"
#include "server/call/auth.h"
#include "server/call/rights.h"
#include "server/call/secret.h"
#include "server/call/writer.h"
#include "server/op/invite.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/remind/remind.h"
#include "server/server.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static enum status ping(struct call *c, struct error *e)
{
	return STATUS_OK;
}

/* Health. */

static enum status number(struct call *c, const char *name, int64_t n, struct error *e)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%lld", (long long)n);
	enum status s = reply_value(c, name, buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

/* An instant; "never" for 0. */
static enum status instant(struct call *c, const char *name, int64_t ms, struct error *e)
{
	struct buf text = BUF_INIT;

	if (ms)
		instant_format(ms, &text);
	else
		buf_add_str(&text, "never");
	enum status s = reply_value(c, name, buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

static int64_t folder_bytes(const char *path)
{
	GDir *d = g_dir_open(path, 0, NULL);
	int64_t sum = 0;
	const char *name;
	struct stat st;

	while (d && (name = g_dir_read_name(d))) {
		char *file = g_build_filename(path, name, NULL);
		if (stat(file, &st) == 0)
			sum += (int64_t)st.st_blocks * 512;
		g_free(file);
	}
	if (d)
		g_dir_close(d);
	return sum;
}

static int64_t file_time_ms(const char *dir, const char *name)
{
	char *path = g_build_filename(dir, name, NULL);
	struct stat st;
	int64_t ms = stat(path, &st) == 0 ? (int64_t)st.st_mtime * 1000 : 0;

	g_free(path);
	return ms;
}

static enum status health_store(struct call *c, struct error *e)
{
	const struct server *server = c->server;
	char *path = g_build_filename(server->dir, "store", NULL);
	enum status s = number(c, "last_change", (int64_t)store_last_seq(server->store), e);

	if (!s)
		s = number(c, "store_bytes", folder_bytes(path), e);
	if (!s)
		s = number(c, "write_queue",
			server->writer ? (int64_t)writer_queue(server->writer) : 0, e);
	if (!s)
		s = number(c, "pending_terms", (int64_t)store_pending_terms(server->store), e);
	if (!s)
		s = instant(c, "last_backup", file_time_ms(server->dir, "last-backup"), e);
	g_free(path);
	return s;
}

static enum status health_reminders(struct call *c, struct error *e)
{
	struct remind_state state = { 0 };
	enum status s = remind_state(c->txn, c->now_ms, &state, e);

	if (!s)
		s = instant(c, "reminder_last_fired", state.last_fired_ms, e);
	if (!s)
		s = number(c, "reminder_last_lag_ms", state.last_lag_ms, e);
	if (!s)
		s = instant(c, "reminder_next_due", state.next_due_ms, e);
	if (!s)
		s = number(c, "reminders_due_now", (int64_t)state.due_now, e);
	if (!s)
		s = number(c, "reminders_unacknowledged", (int64_t)state.unacknowledged, e);
	return s;
}

static enum status health(struct call *c, struct error *e)
{
	const struct server *server = c->server;
	enum status s = reply_value(c, "version", bytes_str(VERSION), e);

	if (!s)
		s = instant(c, "now", c->now_ms, e);
	if (!s)
		s = reply_value(
			c, "clock", bytes_str(clock_path(server->clock) ? "test" : "real"), e);
	if (!s)
		s = number(c, "uptime_seconds", (real_ms() - server->started_ms) / 1000, e);
	if (!s && server->connections)
		s = number(c, "connections", (int64_t)server->connections(server->net), e);
	if (!s && server->authority)
		s = number(c, "certificate_days",
			(authority_end_ms(server->authority) - real_ms()) / DAY_MS, e);
	if (!s)
		s = health_store(c, e);
	return s ? s : health_reminders(c, e);
}

/* Invitations. */

static enum status invite_reply(struct call *c, const char *code, struct error *e)
{
	char pin[TLS_PIN_SIZE];
	enum status s = reply_value(c, "code", bytes_str(code), e);

	authority_pin(c->server->authority, pin);
	return s ? s : reply_value(c, "pin", bytes_str(pin), e);
}

static enum status user_invite(struct call *c, struct error *e)
{
	const struct schema *schema = c->server->schema;
	const struct entity *users = schema_entity_by_number(schema, ENTITY_USER);
	struct parse_context ctx = lookup_parse_context(call_lookup(c), 0, c->caller->zone);
	struct caller *who = NULL;
	uint64_t user;
	char code[17];
	enum status s;

	if (c->request->n_record != 1)
		return error_set(e, STATUS_USAGE, "one user");
	s = ctx.reference(ctx.arg, users->name, pb_bytes(c->request->record[0]), &user, e);
	if (!s && caller_load(c->txn, user, 0, &who, NULL))
		s = error_set(e, STATUS_CONFLICT, "account is not active");
	caller_free(&who);
	if (!s)
		s = invite_create(c->txn, user, c->now_ms, code, e);
	return s ? s : invite_reply(c, code, e);
}

/* The console: who owns the server's folder. */

static enum status console_only(const struct call *c, struct error *e)
{
	if (c->caller->user != 0)
		return error_set(e, STATUS_DENIED, "only on the server's console");
	return STATUS_OK;
}

static const char *arg_text(struct call *c, const char *name)
{
	char *text = arena_str(c->arena, call_arg(c, name));

	return text ? text : "";
}

static enum status system_invite(struct call *c, struct error *e)
{
	struct invitation i = { .user = arg_text(c, "user"),
		.role = arg_text(c, "role"),
		.branch = arg_text(c, "branch"),
		.now_ms = c->now_ms };
	char code[17];
	enum status s = console_only(c, e);

	if (!s)
		s = store_operation(c->txn, &c->author.operation, e);
	if (!s)
		s = invite_make(c->txn, &c->author, &i, code, e);
	return s ? s : invite_reply(c, code, e);
}

static enum status system_backup(struct call *c, struct error *e)
{
	const char *path = arg_text(c, "path");
	enum status s = console_only(c, e);
	int fd;

	if (s)
		return s;
	if (*path != '/')
		return error_set(e, STATUS_USAGE, "path is not absolute");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_reason(
			e, STATUS_INTERNAL, "io", "cannot write \"%s\": %s", path, strerror(errno));
	s = store_backup(c->server->store, fd, e);
	if (!s && fsync(fd) != 0)
		s = error_reason(e, STATUS_INTERNAL, "io", "cannot write \"%s\"", path);
	close(fd);
	return s;
}

const struct op system_ops[] = {
	{ .name = "ping", .kind = OP_READ, .flags = OP_ANONYMOUS | OP_LIMITED, .run = ping },
	{ .name = "health", .kind = OP_SLOW, .run = health },
	{ .name = "user.invite", .kind = OP_WRITE, .run = user_invite, .right = "user.invite" },
	{ .name = "system.invite",
		.kind = OP_WRITE,
		.run = system_invite,
		.right = "system.console" },
	{ .name = "system.backup",
		.kind = OP_SLOW,
		.run = system_backup,
		.right = "system.console" },
	{ 0 },
};
