/* Logging in and out, joining, passwords. */
#include "common/text.h"
#include "server/call/auth.h"
#include "server/call/rights.h"
#include "server/call/secret.h"
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/server.h"
#include <sodium.h>

#define REFUSED "wrong user name or password"

/* What the slow part of a login found out. */
struct proof {
	uint64_t user; /* 0: no such user */
	uint64_t epoch;
	bool right;
	char hash[128]; /* of the new password */
	struct bytes certificate;
	uint8_t key_hash[TLS_HASH_LEN]; /* of the certificate's key */
};

static const struct entity *user_entity(const struct call *c)
{
	return schema_entity_by_number(c->schema, ENTITY_USER);
}

static enum status no_memory(struct error *e)
{
	return error_set(e, STATUS_INVALID, "request too large");
}

static enum status refuse(struct call *c, const char *message)
{
	c->refused = STATUS_UNAUTHENTICATED;
	c->refused_message = message;
	c->refused_reason = NULL;
	return STATUS_OK;
}

/* Signs the certificate request of the call, if it has one. */
static enum status proof_sign(struct call *c, struct proof *p, const char *name, struct error *e)
{
	struct bytes request = call_arg(c, "certificate_request");
	struct buf der = BUF_INIT;
	enum status s;

	if (!request.len)
		return STATUS_OK;
	s = authority_sign(c->server->authority, request, name, &der, p->key_hash, e);
	if (!s)
		p->certificate = arena_copy(c->arena, buf_bytes(&der));
	buf_free(&der);
	return s;
}

/* The user name of an account, "" if there is none; in the arena. */
static const char *user_name_of(struct call *c, struct txn *t, uint64_t user)
{
	struct buf room = BUF_INIT;
	struct stored record;
	char *name = NULL;

	if (!store_get(t, &scope_all, user_entity(c), user, &room, &record, NULL))
		name = arena_str(c->arena,
			record_text(record.fields, model_tag(c->schema, "user", "username")));
	buf_free(&room);
	return name ? name : "";
}

static enum status login_read(
	struct call *c, struct txn *t, struct proof *p, char hash[128], struct error *e)
{
	const struct entity *users = user_entity(c);
	struct bytes name = call_arg(c, "username");
	char why[96];
	bool must_change;
	enum status s = STATUS_NOT_FOUND;

	if (text_valid(name, TEXT_LINE, 256, why) && name.len)
		s = store_find_unique(
			t, users, entity_field_named(users, "username"), name, &p->user, e);
	if (!s) {
		p->epoch = auth_epoch(t, p->user);
		s = credential_get(t, p->user, hash, &must_change, e);
	}
	return s;
}

static enum status login_prepare(struct call *c, struct error *e)
{
	struct proof *p = arena_calloc(c->arena, 1, sizeof(*p));
	struct txn *t = NULL;
	char hash[128];
	enum status s = p ? txn_begin(c->server->store, false, &t, e) : no_memory(e);

	if (s)
		return s;
	s = login_read(c, t, p, hash, e);
	txn_abort(&t);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	p->right = password_verify(s ? NULL : hash, call_arg(c, "password"));
	sodium_memzero(hash, sizeof(hash));
	c->prepared = p;
	if (!p->right)
		return STATUS_OK;
	return proof_sign(c, p, "guanxi client", e);
}

/* Values. */

static enum status value_number(struct call *c, const char *name, uint64_t n, struct error *e)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%llu", (unsigned long long)n);
	enum status s = reply_value(c, name, buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

static enum status value_roles(struct call *c, struct bytes run, struct error *e)
{
	const struct entity *roles = schema_entity_by_number(c->schema, ENTITY_ROLE);
	struct buf codes = BUF_INIT, room = BUF_INIT;
	struct wire_field w;
	struct stored role;
	enum status s = STATUS_OK;

	while (record_next(&run, &w, NULL)) {
		if (store_get(c->txn, &scope_all, roles, w.number, &room, &role, NULL))
			continue;
		buf_add_str(&codes, codes.len ? "," : "");
		buf_add_bytes(
			&codes, record_text(role.fields, model_tag(c->schema, "role", "code")));
	}
	s = reply_value(c, "roles", buf_bytes(&codes), e);
	buf_free(&codes);
	buf_free(&room);
	return s;
}

static enum status session_values(struct call *c, const struct caller *who, struct error *e)
{
	const struct schema *schema = c->schema;
	struct buf room = BUF_INIT;
	struct stored user = { 0 };
	enum status s = value_number(c, "user", who->user, e);

	if (!s && who->user)
		s = store_get(c->txn, &scope_all, user_entity(c), who->user, &room, &user, e);
	if (!s)
		s = reply_value(c, "username", bytes_str(who->username), e);
	if (!s)
		s = reply_value(c, "name", bytes_str(who->name), e);
	if (!s)
		s = value_number(c, "branch", who->branch, e);
	if (!s)
		s = value_roles(c, record_run(user.fields, model_tag(schema, "user", "roles")), e);
	if (!s)
		s = reply_value(c, "schema_hash", schema_hash(schema), e);
	if (!s)
		s = value_number(c, "dictionary_generation", generation_number(c->generation), e);
	if (!s)
		s = reply_value(c, "language",
			record_text(user.fields, model_tag(schema, "user", "language")), e);
	if (!s)
		s = reply_value(c, "time_zone", bytes_str(zone_name(who->zone)), e);
	if (!s && who->must_change_password)
		s = reply_value(c, "must_change_password", bytes_str("1"), e);
	buf_free(&room);
	return s;
}

/* The session begins: with a certificate it can be resumed, without one it lives with its connection. */
static enum status session_begin(struct call *c, const struct proof *p, struct error *e)
{
	struct session_row row = { .user = p->user, .created_ms = c->now_ms, .seen_ms = c->now_ms };
	uint8_t token[TOKEN_BYTES];
	enum status s;

	row.epoch = auth_epoch(c->txn, p->user);
	memcpy(row.peer_key, p->key_hash, sizeof(row.peer_key));
	caller_free(&c->new_caller);
	s = p->certificate.len ? session_create(c->txn, &row, token, e)
			       : session_number(c->txn, &row.id, e);
	c->author.user = p->user;
	c->author.session = row.id;
	if (!s)
		s = log_append(
			c->txn, &c->author, LOG_LOGIN, user_entity(c), p->user, 0, NULL, NULL, e);
	if (!s)
		s = caller_load(c->txn, p->user, row.id, &c->new_caller, e);
	if (!s)
		s = session_values(c, c->new_caller, e);
	if (!s && p->certificate.len)
		s = reply_value(c, "token", bytes_of(token, sizeof(token)), e);
	if (!s && p->certificate.len)
		s = reply_value(c, "certificate", p->certificate, e);
	sodium_memzero(token, sizeof(token));
	return s;
}

/* Whether the account may log in at all: answered as a wrong password when not. */
static bool account_usable(struct call *c, uint64_t user)
{
	struct caller *who = NULL;
	bool usable = caller_load(c->txn, user, 0, &who, NULL) == STATUS_OK;

	caller_free(&who);
	return usable;
}

static struct lock_rule lock_rule(struct call *c)
{
	long tries = lookup_setting_number(call_lookup(c), "login.tries");
	long minutes = lookup_setting_number(call_lookup(c), "login.lock_minutes");

	return (struct lock_rule){ tries > 0 ? (unsigned)tries : 0, minutes * INT64_C(60000) };
}

static enum status session_login(struct call *c, struct error *e)
{
	const struct proof *p = c->prepared;
	unsigned tries = 0;
	int64_t locked_until = 0;
	enum status s = STATUS_OK;

	if (p->user)
		s = lock_get(c->txn, p->user, &tries, &locked_until, e);
	if (s)
		return s;
	if (!p->user || locked_until > c->now_ms)
		return refuse(c, REFUSED);
	if (!p->right) {
		s = lock_failed(c->txn, p->user, c->now_ms, lock_rule(c), e);
		return s ? s : refuse(c, REFUSED);
	}
	if (p->epoch != auth_epoch(c->txn, p->user) || !account_usable(c, p->user))
		return refuse(c, REFUSED);
	if (tries)
		s = lock_clear(c->txn, p->user, e);
	return s ? s : session_begin(c, p, e);
}

/* Joining. */

/* How long a password must be; the call has no transaction of its own yet. */
static size_t password_shortest(struct call *c, struct txn *t)
{
	struct lookup *settings = lookup_new(t, &scope_all, c->schema, false, c->arena);
	long n = lookup_setting_number(settings, "password.min_length");

	lookup_free(&settings);
	return (size_t)n;
}

static enum status join_prepare(struct call *c, struct error *e)
{
	struct proof *p = arena_calloc(c->arena, 1, sizeof(*p));
	struct txn *t = NULL;
	const char *name = "";
	size_t shortest;
	enum status s = p ? txn_begin(c->server->store, false, &t, e) : no_memory(e);

	if (s)
		return s;
	c->prepared = p;
	s = invite_peek(t, call_arg(c, "code"), c->now_ms, &p->user, NULL);
	if (!s)
		name = user_name_of(c, t, p->user);
	shortest = password_shortest(c, t);
	txn_abort(&t);
	if (s)
		return s == STATUS_UNAUTHENTICATED ? STATUS_OK : s;
	s = password_acceptable(call_arg(c, "password"), name, shortest, e);
	if (!s)
		s = password_hash(call_arg(c, "password"), p->hash, e);
	if (!s)
		s = proof_sign(c, p, "guanxi client", e);
	p->right = !s;
	return s;
}

/* A new password ends every session but one. */
static enum status credential_change(
	struct call *c, uint64_t user, uint64_t except, const char *hash, struct error *e)
{
	enum status s = credential_put(c->txn, user, hash, false, e);

	if (!s)
		s = lock_clear(c->txn, user, e);
	if (!s)
		s = session_end_others(c->txn, user, except, e);
	if (!s)
		s = auth_epoch_bump(c->txn, user, e);
	c->close_sessions_of_user = true;
	c->close_user = user;
	c->close_except = except;
	return s;
}

static enum status session_join(struct call *c, struct error *e)
{
	struct proof *p = c->prepared;
	uint64_t user = 0;
	enum status s = invite_take(c->txn, call_arg(c, "code"), c->now_ms, &user, NULL);

	if (s == STATUS_UNAUTHENTICATED || (!s && (!p->right || user != p->user)))
		return refuse(c, "wrong or expired code");
	if (s)
		return error_set(e, s, "cannot read the invite");
	if (!account_usable(c, user))
		return refuse(c, "wrong or expired code");
	s = credential_change(c, user, 0, p->hash, e);
	if (!s)
		s = session_begin(c, p, e);
	c->close_except = c->author.session;
	return s;
}

/* Going on, going, being. */

static enum status session_resume(struct call *c, struct error *e)
{
	struct lookup *settings = call_lookup(c);
	long idle = lookup_setting_number(settings, "session.idle_minutes");
	long hours = lookup_setting_number(settings, "session.max_hours");
	struct session_row row;
	enum status s = session_find(c->txn, call_arg(c, "token"), c->peer_key, c->now_ms,
		(unsigned)idle, (unsigned)hours, &row, e);

	if (s)
		return s;
	caller_free(&c->new_caller);
	s = caller_load(c->txn, row.user, row.id, &c->new_caller, e);
	if (!s)
		s = session_values(c, c->new_caller, e);
	if (!s)
		session_touch_later(c->server, &row, c->now_ms);
	return s;
}

static enum status session_logout(struct call *c, struct error *e)
{
	c->close_after = true;
	c->close_sessions_of_user = true;
	c->close_user = c->caller->user;
	c->close_only = c->caller->session;
	return session_end(c->txn, c->caller->user, c->caller->session, e);
}

static enum status session_whoami(struct call *c, struct error *e)
{
	return session_values(c, c->caller, e);
}

static enum status password_prepare(struct call *c, struct error *e)
{
	struct proof *p = arena_calloc(c->arena, 1, sizeof(*p));
	struct txn *t = NULL;
	char hash[128];
	bool must_change;
	size_t shortest;
	enum status s = p ? txn_begin(c->server->store, false, &t, e) : no_memory(e);

	if (s)
		return s;
	c->prepared = p;
	p->epoch = auth_epoch(t, c->caller->user);
	s = credential_get(t, c->caller->user, hash, &must_change, e);
	shortest = password_shortest(c, t);
	txn_abort(&t);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	p->right = password_verify(s ? NULL : hash, call_arg(c, "old"));
	sodium_memzero(hash, sizeof(hash));
	if (!p->right)
		return STATUS_OK;
	if (bytes_equal(call_arg(c, "old"), call_arg(c, "new")))
		return error_field(e, "password", "is the old one");
	s = password_acceptable(call_arg(c, "new"), c->caller->username, shortest, e);
	return s ? s : password_hash(call_arg(c, "new"), p->hash, e);
}

static enum status session_password(struct call *c, struct error *e)
{
	const struct proof *p = c->prepared;
	uint64_t user = c->caller->user;
	unsigned tries;
	int64_t locked_until;
	enum status s = lock_get(c->txn, user, &tries, &locked_until, e);

	if (s)
		return s;
	if (locked_until > c->now_ms || p->epoch != auth_epoch(c->txn, user))
		return refuse(c, "wrong password");
	if (!p->right) {
		s = lock_failed(c->txn, user, c->now_ms, lock_rule(c), e);
		return s ? s : refuse(c, "wrong password");
	}
	return credential_change(c, user, c->caller->session, p->hash, e);
}

const struct op session_ops[] = {
	{ .name = "session.login",
		.kind = OP_WRITE,
		.flags = OP_ANONYMOUS,
		.prepare = login_prepare,
		.run = session_login },
	{ .name = "session.join",
		.kind = OP_WRITE,
		.flags = OP_ANONYMOUS,
		.prepare = join_prepare,
		.run = session_join },
	{ .name = "session.resume", .kind = OP_READ, .flags = OP_ANONYMOUS, .run = session_resume },
	{ .name = "session.logout", .kind = OP_WRITE, .flags = OP_LIMITED, .run = session_logout },
	{ .name = "session.whoami", .kind = OP_READ, .flags = OP_LIMITED, .run = session_whoami },
	{ .name = "session.password",
		.kind = OP_WRITE,
		.flags = OP_LIMITED,
		.prepare = password_prepare,
		.run = session_password },
	{ 0 },
};
