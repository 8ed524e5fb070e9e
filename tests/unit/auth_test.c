/* Passwords, wrong tries, sessions, invites, epochs. */
#include "server/call/auth.h"
#include "server/call/rights.h"
#include "tests/unit/model_bench.h"
#include <glib.h>

#define USER 7

static int setup(void **state)
{
	*state = bench_open();
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

static bool acceptable(const char *password)
{
	struct error e;

	error_init(&e);
	enum status s =
		password_acceptable(bytes_str(password), "wangxiaoming", PASSWORD_SHORTEST, &e);
	assert_int_equal(e.nfields, s ? 1 : 0);
	error_clear(&e);
	return s == STATUS_OK;
}

static void poor_passwords_are_refused(void **state)
{
	static const char *const poor[] = { "", "short", "elevenchars", "wangxiaoming",
		"WangXiaoMing2026", "wangxiaomingwangxiaoming", "password1234", "Password!2345",
		"aaaaaaaaaaaa", "abababababab", "abcabcabcabc", "123456789012", "987654321098",
		"abcdefghijkl", "qwertyuiop12", "2026-11-21 12:00", "tab\there is no line" };
	static const char *const good[] = { "correct horse", "seven lucky fish",
		"我们的密码很长没有人能猜到", "x7!kQp2#vLm9" };

	for (size_t i = 0; i < sizeof(poor) / sizeof(poor[0]); i++)
		if (acceptable(poor[i]))
			fail_msg("accepted: %s", poor[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!acceptable(good[i]))
			fail_msg("refused: %s", good[i]);
}

static void hashes_verify(void **state)
{
	char hash[128], other[128];
	struct error e;

	error_init(&e);
	assert_int_equal(password_hash(bytes_str("seven lucky fish"), hash, &e), STATUS_OK);
	assert_int_equal(password_hash(bytes_str("seven lucky fish"), other, &e), STATUS_OK);
	assert_non_null(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
	assert_string_not_equal(hash, other);
	assert_true(password_verify(hash, bytes_str("seven lucky fish")));
	assert_false(password_verify(hash, bytes_str("seven lucky fis")));
	assert_false(password_verify(hash, bytes_str("")));
	assert_false(password_verify(NULL, bytes_str("not anybody's password")));
	/* the same letters as full width and as decomposed forms */
	assert_int_equal(password_hash(bytes_str("caf\xc3\xa9 seven fish"), hash, &e), STATUS_OK);
	assert_true(password_verify(hash, bytes_str("cafe\xcc\x81 seven fish")));
}

static void credentials_stand(void **state)
{
	struct bench *b = *state;
	char hash[128] = "";
	bool must_change = false;

	assert_int_equal(credential_get(b->txn, USER, hash, &must_change, &b->e), STATUS_NOT_FOUND);
	assert_int_equal(credential_put(b->txn, USER, "$argon2id$x", true, &b->e), STATUS_OK);
	assert_int_equal(credential_get(b->txn, USER, hash, &must_change, &b->e), STATUS_OK);
	assert_string_equal(hash, "$argon2id$x");
	assert_true(must_change);
}

static void five_wrong_tries_lock(void **state)
{
	struct bench *b = *state;
	unsigned tries;
	int64_t until, now = NOW_MS;

	for (int i = 0; i < LOGIN_TRIES - 1; i++)
		assert_int_equal(
			lock_failed(b->txn, USER, now, LOCK_RULE_DEFAULT, &b->e), STATUS_OK);
	assert_int_equal(lock_get(b->txn, USER, &tries, &until, &b->e), STATUS_OK);
	assert_int_equal(tries, LOGIN_TRIES - 1);
	assert_int_equal(until, 0);
	lock_failed(b->txn, USER, now, LOCK_RULE_DEFAULT, &b->e);
	lock_get(b->txn, USER, &tries, &until, &b->e);
	assert_int_equal(until, now + LOGIN_LOCK_MS);
	lock_failed(b->txn, USER, until + 1, LOCK_RULE_DEFAULT,
		&b->e); /* after the lock: the first of five again */
	lock_get(b->txn, USER, &tries, &until, &b->e);
	assert_int_equal(tries, 1);
	assert_int_equal(until, 0);
	lock_clear(b->txn, USER, &b->e);
	lock_get(b->txn, USER, &tries, &until, &b->e);
	assert_int_equal(tries, 0);
}

static enum status find(struct bench *b, const uint8_t *token, size_t len, const uint8_t peer[32],
	int64_t now, struct session_row *row)
{
	error_clear(&b->e);
	return session_find(
		b->txn, bytes_of(token, len), bytes_of(peer, 32), now, 30, 12, row, &b->e);
}

static void sessions_are_bound_and_end(void **state)
{
	struct bench *b = *state;
	struct session_row row = {
		.user = USER, .created_ms = NOW_MS, .seen_ms = NOW_MS, .peer_key = { 1, 2, 3 }
	};
	struct session_row found;
	uint8_t token[TOKEN_BYTES], other[32] = { 9 };
	const int64_t minute = 60000;

	assert_int_equal(session_create(b->txn, &row, token, &b->e), STATUS_OK);
	assert_int_equal(
		find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS + 30 * minute, &found), STATUS_OK);
	assert_int_equal(found.id, row.id);
	assert_int_equal(found.user, USER);
	assert_int_equal(
		find(b, token, TOKEN_BYTES, other, NOW_MS, &found), STATUS_UNAUTHENTICATED);
	assert_int_equal(find(b, token, TOKEN_BYTES - 1, row.peer_key, NOW_MS, &found),
		STATUS_UNAUTHENTICATED);
	assert_int_equal(find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS + 31 * minute, &found),
		STATUS_UNAUTHENTICATED);
	assert_int_equal(
		session_touch(b->txn, USER, row.id, NOW_MS + 29 * minute, &b->e), STATUS_OK);
	assert_int_equal(
		find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS + 50 * minute, &found), STATUS_OK);
	assert_int_equal(find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS, &found),
		STATUS_OK); /* clock set back */
	session_touch(b->txn, USER, row.id, NOW_MS + 721 * minute, &b->e);
	assert_int_equal(find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS + 721 * minute, &found),
		STATUS_UNAUTHENTICATED); /* older than 12 hours */
	token[0] ^= 1;
	assert_int_equal(
		find(b, token, TOKEN_BYTES, row.peer_key, NOW_MS, &found), STATUS_UNAUTHENTICATED);
}

static void ending_sessions(void **state)
{
	struct bench *b = *state;
	struct session_row rows[3], found;
	uint8_t tokens[3][TOKEN_BYTES];

	for (int i = 0; i < 3; i++) {
		rows[i] = (struct session_row){
			.user = USER, .created_ms = NOW_MS, .seen_ms = NOW_MS
		};
		assert_int_equal(session_create(b->txn, &rows[i], tokens[i], &b->e), STATUS_OK);
	}
	assert_int_equal(session_end_others(b->txn, USER, rows[1].id, &b->e), STATUS_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(find(b, tokens[i], TOKEN_BYTES, rows[i].peer_key, NOW_MS, &found),
			i == 1 ? STATUS_OK : STATUS_UNAUTHENTICATED);
	assert_int_equal(session_end(b->txn, USER, rows[1].id, &b->e), STATUS_OK);
	assert_int_equal(session_end(b->txn, USER, rows[1].id, &b->e), STATUS_OK);
	assert_int_equal(find(b, tokens[1], TOKEN_BYTES, rows[1].peer_key, NOW_MS, &found),
		STATUS_UNAUTHENTICATED);
}

static enum status take(struct bench *b, const char *code, int64_t now, uint64_t *user)
{
	error_clear(&b->e);
	return invite_take(b->txn, bytes_str(code), now, user, &b->e);
}

static void invites_work_once(void **state)
{
	struct bench *b = *state;
	char code[17], second[17], typed[32];
	uint64_t user = 0;

	assert_int_equal(invite_create(b->txn, USER, NOW_MS, code, &b->e), STATUS_OK);
	assert_int_equal(strlen(code), 16);
	assert_int_equal(invite_create(b->txn, USER, NOW_MS, second, &b->e), STATUS_OK);
	assert_int_equal(take(b, code, NOW_MS, &user), STATUS_UNAUTHENTICATED); /* replaced */
	snprintf(typed, sizeof(typed), "%.4s-%.4s %.8s", second, second + 4, second + 8);
	for (char *p = typed; *p; p++)
		*p = (char)g_ascii_tolower(*p);
	assert_int_equal(invite_peek(b->txn, bytes_str(typed), NOW_MS, &user, &b->e), STATUS_OK);
	assert_int_equal(take(b, typed, NOW_MS, &user), STATUS_OK);
	assert_int_equal(user, USER);
	assert_int_equal(take(b, second, NOW_MS, &user), STATUS_UNAUTHENTICATED);
	invite_create(b->txn, USER, NOW_MS, code, &b->e);
	assert_int_equal(take(b, code, NOW_MS + INVITE_MS, &user), STATUS_UNAUTHENTICATED);
}

static void five_wrong_codes_kill_an_invite(void **state)
{
	struct bench *b = *state;
	char code[17], wrong[17];
	uint64_t user;

	invite_create(b->txn, USER, NOW_MS, code, &b->e);
	memcpy(wrong, code, sizeof(wrong));
	wrong[15] = wrong[15] == 'A' ? 'B' : 'A';
	for (int i = 0; i < INVITE_TRIES - 1; i++)
		assert_int_equal(take(b, wrong, NOW_MS, &user), STATUS_UNAUTHENTICATED);
	assert_int_equal(invite_peek(b->txn, bytes_str(code), NOW_MS, &user, &b->e), STATUS_OK);
	assert_int_equal(take(b, wrong, NOW_MS, &user), STATUS_UNAUTHENTICATED);
	assert_int_equal(take(b, code, NOW_MS, &user), STATUS_UNAUTHENTICATED);
	assert_int_equal(take(b, "", NOW_MS, &user), STATUS_UNAUTHENTICATED);
	assert_int_equal(
		take(b, "0123456789012345678901234567890", NOW_MS, &user), STATUS_UNAUTHENTICATED);
}

static void epochs_grow(void **state)
{
	struct bench *b = *state;
	uint64_t one = auth_epoch(b->txn, 1), two = auth_epoch(b->txn, 2);

	auth_epoch_bump(b->txn, 1, &b->e);
	assert_true(auth_epoch(b->txn, 1) > one);
	assert_true(auth_epoch(b->txn, 2) == two);
	auth_epoch_bump(b->txn, 0, &b->e);
	assert_true(auth_epoch(b->txn, 2) > two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(poor_passwords_are_refused),
		cmocka_unit_test(hashes_verify),
		cmocka_unit_test_setup_teardown(credentials_stand, setup, teardown),
		cmocka_unit_test_setup_teardown(five_wrong_tries_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions_are_bound_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(ending_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(invites_work_once, setup, teardown),
		cmocka_unit_test_setup_teardown(five_wrong_codes_kill_an_invite, setup, teardown),
		cmocka_unit_test_setup_teardown(epochs_grow, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
