/* The server itself: invitations, copies. */
#include "common/text.h"
#include "common/tls.h"
#include "server/call/auth.h"
#include "server/call/rights.h"
#include "server/call/secret.h"
#include "server/op/invite.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

static enum status ping(struct call *c, struct error *e)
{
	return STATUS_OK;
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
	const struct schema *schema = c->schema;
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
