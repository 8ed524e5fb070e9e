/*
 * Rows of the space auth (integers big-endian):
 *   1 credential  user u64              -> must change u8, hash text
 *   2 lock        user u64              -> tries u32, locked until u64 ms
 *   3 session     hash of token [16]    -> id, user, epoch, created, seen (u64 each), peer key [32]
 *   4 session of  user u64, id u64      -> hash of token [16]
 *   5 invite      first 4 characters    -> hash of code [16], user u64, expires u64, tries u32
 *   6 epoch       user u64              -> u64; user 0 counts changes of roles, which are everybody's
 *   7 counter     name                  -> u64
 */
#include "server/call/auth.h"
#include "server/call/rights.h"
#include <ctype.h>
#include <sodium.h>

enum auth_kind {
	AUTH_CREDENTIAL = 1,
	AUTH_LOCK,
	AUTH_SESSION,
	AUTH_SESSION_OF,
	AUTH_INVITE,
	AUTH_EPOCH,
	AUTH_COUNTER,
};

#define KEY_ROOM 32
#define HASH_LEN 16
#define CODE_LEN 16
#define CODE_NAME 4 /* characters of a code that name the invite; the others are the secret */
#define SEEN_STEP_MS 60000

struct auth_key {
	uint8_t data[KEY_ROOM];
	size_t len;
};

static struct auth_key key_of(enum auth_kind kind, const void *data, size_t len)
{
	struct auth_key k = { .len = 1 + len };

	k.data[0] = (uint8_t)kind;
	memcpy(k.data + 1, data, len);
	return k;
}

static struct auth_key key_number(enum auth_kind kind, uint64_t n)
{
	uint8_t raw[8];

	put_be64(raw, n);
	return key_of(kind, raw, sizeof(raw));
}

static struct auth_key key_pair(enum auth_kind kind, uint64_t a, uint64_t b)
{
	uint8_t raw[16];

	put_be64(raw, a);
	put_be64(raw + 8, b);
	return key_of(kind, raw, sizeof(raw));
}

static enum status row_get(
	struct txn *t, const struct auth_key *k, struct buf *value, struct error *e)
{
	return txn_get(t, SPACE_AUTH, bytes_of(k->data, k->len), value, e);
}

static enum status row_put(
	struct txn *t, const struct auth_key *k, const struct buf *value, struct error *e)
{
	return txn_put(t, SPACE_AUTH, bytes_of(k->data, k->len), buf_bytes(value), e);
}

static enum status row_del(struct txn *t, const struct auth_key *k, struct error *e)
{
	return txn_del(t, SPACE_AUTH, bytes_of(k->data, k->len), e);
}

static enum status row_damaged(struct error *e)
{
	return error_reason(e, STATUS_INTERNAL, "damaged", "a row of accounts is damaged");
}

static enum status number_get(struct txn *t, const struct auth_key *k, uint64_t *n, struct error *e)
{
	struct buf value = BUF_INIT;
	enum status s = row_get(t, k, &value, e);
	struct bytes in = buf_bytes(&value);

	*n = 0;
	if (s == STATUS_NOT_FOUND)
		s = STATUS_OK;
	else if (!s && !take_u64(&in, n))
		s = row_damaged(e);
	buf_free(&value);
	return s;
}

static enum status number_put(struct txn *t, const struct auth_key *k, uint64_t n, struct error *e)
{
	struct buf value = BUF_INIT;

	buf_add_u64(&value, n);
	enum status s = row_put(t, k, &value, e);
	buf_free(&value);
	return s;
}

/* Credentials. */

enum status credential_get(
	struct txn *t, uint64_t user, char hash[128], bool *must_change, struct error *e)
{
	struct auth_key k = key_number(AUTH_CREDENTIAL, user);
	struct buf value = BUF_INIT;
	enum status s = row_get(t, &k, &value, e);

	if (!s && (value.len < 2 || value.len > 128))
		s = row_damaged(e);
	if (!s) {
		*must_change = value.data[0] != 0;
		memcpy(hash, value.data + 1, value.len - 1);
		hash[value.len - 1] = 0;
	}
	buf_free(&value);
	return s;
}

enum status credential_put(
	struct txn *t, uint64_t user, const char *hash, bool must_change, struct error *e)
{
	struct auth_key k = key_number(AUTH_CREDENTIAL, user);
	struct buf value = BUF_INIT;

	buf_add_u8(&value, must_change);
	buf_add_str(&value, hash);
	enum status s = row_put(t, &k, &value, e);
	buf_free(&value);
	return s;
}

/* Wrong tries. */

enum status lock_get(
	struct txn *t, uint64_t user, unsigned *tries, int64_t *locked_until, struct error *e)
{
	struct auth_key k = key_number(AUTH_LOCK, user);
	struct buf value = BUF_INIT;
	enum status s = row_get(t, &k, &value, e);
	struct bytes in = buf_bytes(&value);
	uint32_t n = 0;
	uint64_t until = 0;

	if (s == STATUS_NOT_FOUND)
		s = STATUS_OK;
	else if (!s && !(take_u32(&in, &n) && take_u64(&in, &until)))
		s = row_damaged(e);
	*tries = n;
	*locked_until = (int64_t)until;
	buf_free(&value);
	return s;
}

enum status lock_failed(
	struct txn *t, uint64_t user, int64_t now, struct lock_rule rule, struct error *e)
{
	struct auth_key k = key_number(AUTH_LOCK, user);
	struct buf value = BUF_INIT;
	unsigned tries;
	int64_t until;
	enum status s = lock_get(t, user, &tries, &until, e);

	if (s)
		return s;
	tries = until && until <= now ? 1 : tries + 1; /* a lock that is over starts anew */
	until = rule.tries && tries >= rule.tries ? now + rule.lock_ms : 0;
	buf_add_u32(&value, tries);
	buf_add_u64(&value, (uint64_t)until);
	s = row_put(t, &k, &value, e);
	buf_free(&value);
	return s;
}

enum status lock_clear(struct txn *t, uint64_t user, struct error *e)
{
	struct auth_key k = key_number(AUTH_LOCK, user);

	return row_del(t, &k, e);
}

/* Sessions. */

static struct auth_key session_key(struct txn *t, struct bytes token)
{
	uint8_t hash[HASH_LEN];

	store_hash(txn_store(t), "session", token, hash);
	return key_of(AUTH_SESSION, hash, sizeof(hash));
}

static enum status session_put(
	struct txn *t, const struct auth_key *k, const struct session_row *row, struct error *e)
{
	struct buf value = BUF_INIT;

	buf_add_u64(&value, row->id);
	buf_add_u64(&value, row->user);
	buf_add_u64(&value, row->epoch);
	buf_add_u64(&value, (uint64_t)row->created_ms);
	buf_add_u64(&value, (uint64_t)row->seen_ms);
	buf_add(&value, row->peer_key, sizeof(row->peer_key));
	enum status s = row_put(t, k, &value, e);
	buf_free(&value);
	return s;
}

static bool session_parse(struct bytes in, struct session_row *row)
{
	uint64_t created, seen;
	struct bytes peer;

	if (!take_u64(&in, &row->id) || !take_u64(&in, &row->user) || !take_u64(&in, &row->epoch) ||
		!take_u64(&in, &created) || !take_u64(&in, &seen) ||
		!take_bytes(&in, sizeof(row->peer_key), &peer))
		return false;
	row->created_ms = (int64_t)created;
	row->seen_ms = (int64_t)seen;
	memcpy(row->peer_key, peer.data, peer.len);
	return true;
}

static enum status session_get(
	struct txn *t, const struct auth_key *k, struct session_row *row, struct error *e)
{
	struct buf value = BUF_INIT;
	enum status s = row_get(t, k, &value, e);

	if (!s && !session_parse(buf_bytes(&value), row))
		s = row_damaged(e);
	buf_free(&value);
	return s;
}

enum status session_number(struct txn *t, uint64_t *id, struct error *e)
{
	struct auth_key k = key_of(AUTH_COUNTER, "session", 7);
	enum status s = number_get(t, &k, id, e);

	return s ? s : number_put(t, &k, ++*id, e);
}

enum status session_create(
	struct txn *t, struct session_row *row, uint8_t token[TOKEN_BYTES], struct error *e)
{
	struct buf hash = BUF_INIT;
	enum status s = session_number(t, &row->id, e);

	if (s)
		return s;
	randombytes_buf(token, TOKEN_BYTES);
	struct auth_key k = session_key(t, bytes_of(token, TOKEN_BYTES));
	struct auth_key of = key_pair(AUTH_SESSION_OF, row->user, row->id);
	buf_add(&hash, k.data + 1, HASH_LEN);
	s = session_put(t, &k, row, e);
	if (!s)
		s = row_put(t, &of, &hash, e);
	buf_free(&hash);
	return s;
}

static bool session_expired(
	const struct session_row *row, int64_t now, unsigned idle_minutes, unsigned max_hours)
{
	if (now < row->seen_ms)
		now = row->seen_ms; /* a clock set back makes nothing younger */
	return (idle_minutes && now - row->seen_ms > idle_minutes * INT64_C(60000)) ||
	       (max_hours && now - row->created_ms > max_hours * INT64_C(3600000));
}

enum status session_find(struct txn *t, struct bytes token, struct bytes peer_key, int64_t now,
	unsigned idle_minutes, unsigned max_hours, struct session_row *out, struct error *e)
{
	struct auth_key k = session_key(t, token);
	enum status s = token.len == TOKEN_BYTES ? session_get(t, &k, out, e) : STATUS_NOT_FOUND;

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (s || peer_key.len != sizeof(out->peer_key) ||
		sodium_memcmp(peer_key.data, out->peer_key, sizeof(out->peer_key)) ||
		session_expired(out, now, idle_minutes, max_hours))
		return error_reason(e, STATUS_UNAUTHENTICATED, "session_ended",
			"session has ended: log in again");
	return STATUS_OK;
}

bool session_stale(const struct session_row *row, int64_t now)
{
	return now - row->seen_ms >= SEEN_STEP_MS;
}

enum status session_touch(
	struct txn *t, uint64_t user, uint64_t session, int64_t now, struct error *e)
{
	struct auth_key of = key_pair(AUTH_SESSION_OF, user, session);
	struct buf hash = BUF_INIT;
	struct session_row row;
	enum status s = row_get(t, &of, &hash, e);

	if (!s && hash.len != HASH_LEN)
		s = row_damaged(e);
	if (!s) {
		struct auth_key k = key_of(AUTH_SESSION, hash.data, HASH_LEN);
		s = session_get(t, &k, &row, e);
		if (!s && row.seen_ms < now) {
			row.seen_ms = now;
			s = session_put(t, &k, &row, e);
		}
	}
	buf_free(&hash);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

enum status session_end(struct txn *t, uint64_t user, uint64_t session, struct error *e)
{
	struct auth_key of = key_pair(AUTH_SESSION_OF, user, session);
	struct buf hash = BUF_INIT;
	enum status s = row_get(t, &of, &hash, e);

	if (!s && hash.len == HASH_LEN) {
		struct auth_key k = key_of(AUTH_SESSION, hash.data, HASH_LEN);
		s = row_del(t, &k, e);
	}
	if (!s)
		s = row_del(t, &of, e);
	buf_free(&hash);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

/* The ids of a user's sessions but one, big-endian, appended to ids. */
static enum status sessions_of(
	struct txn *t, uint64_t user, uint64_t except, struct buf *ids, struct error *e)
{
	struct auth_key prefix = key_number(AUTH_SESSION_OF, user);
	struct walk *w = NULL;
	struct bytes key;
	enum status s = walk_open(t, SPACE_AUTH, bytes_of(prefix.data, prefix.len), &w, e);

	if (s)
		return s;
	while (walk_next(w, &key))
		if (key.len == prefix.len + 8 && get_be64(key.data + prefix.len) != except)
			buf_add(ids, key.data + prefix.len, 8);
	walk_close(&w);
	return STATUS_OK;
}

enum status session_end_others(struct txn *t, uint64_t user, uint64_t except, struct error *e)
{
	struct buf ids = BUF_INIT;
	enum status s = sessions_of(t, user, except, &ids, e);
	struct bytes in = buf_bytes(&ids);
	uint64_t id;

	while (!s && take_u64(&in, &id))
		s = session_end(t, user, id, e);
	buf_free(&ids);
	return s;
}

/* Invites. */

struct invite {
	uint8_t hash[HASH_LEN];
	uint64_t user;
	int64_t expires;
	uint32_t tries;
};

static bool invite_parse(struct bytes in, struct invite *out)
{
	struct bytes hash;
	uint64_t expires;

	if (!take_bytes(&in, HASH_LEN, &hash) || !take_u64(&in, &out->user) ||
		!take_u64(&in, &expires) || !take_u32(&in, &out->tries))
		return false;
	memcpy(out->hash, hash.data, HASH_LEN);
	out->expires = (int64_t)expires;
	return true;
}

static enum status invite_get(
	struct txn *t, const struct auth_key *k, struct invite *out, struct error *e)
{
	struct buf value = BUF_INIT;
	enum status s = row_get(t, k, &value, e);

	if (!s && !invite_parse(buf_bytes(&value), out))
		s = row_damaged(e);
	buf_free(&value);
	return s;
}

static enum status invite_put(
	struct txn *t, const struct auth_key *k, const struct invite *invite, struct error *e)
{
	struct buf value = BUF_INIT;

	buf_add(&value, invite->hash, HASH_LEN);
	buf_add_u64(&value, invite->user);
	buf_add_u64(&value, (uint64_t)invite->expires);
	buf_add_u32(&value, invite->tries);
	enum status s = row_put(t, k, &value, e);
	buf_free(&value);
	return s;
}

/* Removes what is over, and the invites of a user, whom a new one is for. */
static enum status invites_clean(struct txn *t, uint64_t user, int64_t now, struct error *e)
{
	uint8_t kind = AUTH_INVITE;
	struct walk *w = NULL;
	struct bytes key;
	struct buf names = BUF_INIT, value = BUF_INIT;
	struct invite invite;
	enum status s = walk_open(t, SPACE_AUTH, bytes_of(&kind, 1), &w, e);

	while (!s && walk_next(w, &key)) {
		s = walk_value(w, &value, e);
		if (!s && key.len == 1 + CODE_NAME && invite_parse(buf_bytes(&value), &invite) &&
			(invite.user == user || invite.expires <= now))
			buf_add(&names, key.data + 1, CODE_NAME);
	}
	walk_close(&w);
	for (size_t i = 0; !s && i < names.len; i += CODE_NAME) {
		struct auth_key k = key_of(AUTH_INVITE, names.data + i, CODE_NAME);
		s = row_del(t, &k, e);
	}
	buf_free(&names);
	buf_free(&value);
	return s;
}

static void code_make(char code[CODE_LEN + 1])
{
	static const char alphabet[] = "ABCDEFGHJKMNPQRSTVWXYZ0123456789";

	for (size_t i = 0; i < CODE_LEN; i++)
		code[i] = alphabet[randombytes_uniform(32)];
	code[CODE_LEN] = 0;
}

enum status invite_create(struct txn *t, uint64_t user, int64_t now, char code[17], struct error *e)
{
	struct invite invite = { .user = user, .expires = now + INVITE_MS };
	struct invite other;
	struct auth_key k;
	enum status s = invites_clean(t, user, now, e);

	while (!s) {
		code_make(code);
		k = key_of(AUTH_INVITE, code, CODE_NAME);
		s = invite_get(t, &k, &other, e);
	}
	if (s != STATUS_NOT_FOUND)
		return s;
	store_hash(txn_store(t), "invite", bytes_of(code, CODE_LEN), invite.hash);
	return invite_put(t, &k, &invite, e);
}

/* As a person may type it: lower case, blanks and hyphens between. false when it is no code. */
static bool code_read(struct bytes text, char code[CODE_LEN])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '-' || text.data[i] == ' ')
			continue;
		if (n == CODE_LEN)
			return false;
		code[n++] = (char)toupper(text.data[i]);
	}
	return n == CODE_LEN;
}

static enum status invite_refused(struct error *e)
{
	return error_set(e, STATUS_UNAUTHENTICATED, "wrong or expired code");
}

enum status invite_peek(
	struct txn *t, struct bytes text, int64_t now, uint64_t *user, struct error *e)
{
	char code[CODE_LEN];
	uint8_t hash[HASH_LEN];
	struct invite invite;

	if (!code_read(text, code))
		return invite_refused(e);
	struct auth_key k = key_of(AUTH_INVITE, code, CODE_NAME);
	enum status s = invite_get(t, &k, &invite, e);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	store_hash(txn_store(t), "invite", bytes_of(code, CODE_LEN), hash);
	if (s || invite.expires <= now || sodium_memcmp(hash, invite.hash, HASH_LEN))
		return invite_refused(e);
	*user = invite.user;
	return STATUS_OK;
}

enum status invite_take(
	struct txn *t, struct bytes text, int64_t now, uint64_t *user, struct error *e)
{
	char code[CODE_LEN];
	struct invite invite;
	enum status s = invite_peek(t, text, now, user, e);
	enum status kept;

	if ((s && s != STATUS_UNAUTHENTICATED) || !code_read(text, code))
		return s;
	struct auth_key k = key_of(AUTH_INVITE, code, CODE_NAME);
	if (!s)
		return row_del(t, &k, e);
	kept = invite_get(t, &k, &invite, NULL);
	if (kept == STATUS_NOT_FOUND)
		return s;
	if (!kept)
		kept = ++invite.tries >= INVITE_TRIES ? row_del(t, &k, NULL)
						      : invite_put(t, &k, &invite, NULL);
	return kept ? error_set(e, kept, "cannot count a wrong code") : s;
}

/* Epochs. */

uint64_t auth_epoch(struct txn *t, uint64_t user)
{
	struct auth_key own = key_number(AUTH_EPOCH, user);
	struct auth_key all = key_number(AUTH_EPOCH, 0);
	uint64_t a, b;

	number_get(t, &own, &a, NULL);
	number_get(t, &all, &b, NULL);
	return a + b;
}

enum status auth_epoch_bump(struct txn *t, uint64_t user, struct error *e)
{
	struct auth_key k = key_number(AUTH_EPOCH, user);
	uint64_t n;
	enum status s = number_get(t, &k, &n, e);

	return s ? s : number_put(t, &k, n + 1, e);
}
