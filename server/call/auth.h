/*
 * Credentials, sessions, invites: rows of the space auth, never in the log, in an export or in a reply.
 */
#ifndef SERVER_CALL_AUTH_H
#define SERVER_CALL_AUTH_H

#include "server/call/call.h"

#define TOKEN_BYTES 32
#define PASSWORD_SHORTEST 12
#define LOGIN_TRIES 5
#define LOGIN_LOCK_MS (15 * 60 * 1000)
#define INVITE_MS (24 * 3600 * 1000)
#define INVITE_TRIES 5

/* Argon2id, m = 19 MiB, t = 2. Slow: only in the pool. The text form (128 bytes) holds its parameters. */
enum status password_hash(struct bytes password, char out[128], struct error *e);
bool password_verify(const char *hash, struct bytes password); /* hash NULL: same time, false */
/* At least shortest characters (PASSWORD_SHORTEST until settings say more), not the user name, not a common one. STATUS_INVALID with field password. */
enum status password_acceptable(
	struct bytes password, const char *username, size_t shortest, struct error *e);

enum status credential_get(
	struct txn *t, uint64_t user, char hash[128], bool *must_change, struct error *e);
enum status credential_put(
	struct txn *t, uint64_t user, const char *hash, bool must_change, struct error *e);
/* Failed tries; locked_until in business time, 0 not locked. */
enum status lock_get(
	struct txn *t, uint64_t user, unsigned *tries, int64_t *locked_until, struct error *e);
struct lock_rule {
	unsigned tries; /* as many wrong ones lock; 0: never */
	int64_t lock_ms;
};
#define LOCK_RULE_DEFAULT ((struct lock_rule){ LOGIN_TRIES, LOGIN_LOCK_MS })
enum status lock_failed(
	struct txn *t, uint64_t user, int64_t now, struct lock_rule rule, struct error *e);
enum status lock_clear(struct txn *t, uint64_t user, struct error *e);

struct session_row {
	uint64_t id;
	uint64_t user;
	uint64_t epoch;
	int64_t created_ms, seen_ms;
	uint8_t peer_key
		[32]; /* SHA-256 of the client's public key; zero: bound to its connection only */
};
/* token is random and is stored only as a hash. */
enum status session_create(
	struct txn *t, struct session_row *row, uint8_t token[TOKEN_BYTES], struct error *e);
/* A number for a session that lives with its connection: no token, no row. */
enum status session_number(struct txn *t, uint64_t *id, struct error *e);
/* UNAUTHENTICATED when unknown, ended, idle for too long, too old, or of another key. idle and max in minutes, 0: no limit. */
enum status session_find(struct txn *t, struct bytes token, struct bytes peer_key, int64_t now,
	unsigned idle_minutes, unsigned max_hours, struct session_row *out, struct error *e);
/* Whether it is time to write down that the session was seen, which session_touch does (no row: nothing happens). */
bool session_stale(const struct session_row *row, int64_t now);
enum status session_touch(
	struct txn *t, uint64_t user, uint64_t session, int64_t now, struct error *e);
/* As session_touch, by the writer, when the row is stale. Any thread. */
void session_touch_later(struct server *server, const struct session_row *row, int64_t now);
enum status session_end(struct txn *t, uint64_t user, uint64_t session, struct error *e);
enum status session_end_others(struct txn *t, uint64_t user, uint64_t except, struct error *e);

/* One-time code of a join line, 24 h, dies after five wrong tries. code: 16 characters of base32. */
/* An older invite of the user ends. */
enum status invite_create(
	struct txn *t, uint64_t user, int64_t now, char code[17], struct error *e);
/* Whether invite_take would succeed; writes nothing. */
enum status invite_peek(
	struct txn *t, struct bytes code, int64_t now, uint64_t *user, struct error *e);
/* UNAUTHENTICATED counts a wrong try in t: the caller must let it be committed. */
enum status invite_take(
	struct txn *t, struct bytes code, int64_t now, uint64_t *user, struct error *e);

#endif
