/* Sealed values: they open only whole, in their place and with their key. */
#include "server/store/seal.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static const uint8_t master[32] = { 1, 2, 3 };
static const uint8_t other_master[32] = { 1, 2, 4 };

static void seal(const struct sealer *s, struct bytes key, struct bytes value, struct buf *out)
{
	uint8_t nonce[SEAL_NONCE];

	seal_nonce(nonce);
	seal_value(s, nonce, 1, key, value, out);
}

static void test_opens_in_its_place_only(void **state)
{
	struct sealer *s = sealer_new(master), *other = sealer_new(other_master);
	struct buf sealed = BUF_INIT, out = BUF_INIT;
	struct bytes key = bytes_str("key"), value = bytes_str("a name that is secret");

	(void)state;
	seal(s, key, value, &sealed);
	assert_int_equal(sealed.len, value.len + SEAL_OVERHEAD);
	assert_null(memmem(sealed.data, sealed.len, "name", 4));
	assert_true(unseal_value(s, 1, key, buf_bytes(&sealed), &out));
	assert_true(bytes_equal(buf_bytes(&out), value));
	assert_false(unseal_value(s, 2, key, buf_bytes(&sealed), &out));
	assert_false(unseal_value(s, 1, bytes_str("kez"), buf_bytes(&sealed), &out));
	assert_false(unseal_value(other, 1, key, buf_bytes(&sealed), &out));
	assert_int_equal(out.len, 0);
	buf_free(&sealed);
	buf_free(&out);
	sealer_free(&s);
	sealer_free(&other);
	assert_null(s);
	sealer_free(&s);
}

static void test_no_bit_changes_unseen(void **state)
{
	struct sealer *s = sealer_new(master);
	struct buf sealed = BUF_INIT, out = BUF_INIT;
	struct bytes key = bytes_str("key");

	(void)state;
	seal(s, key, bytes_str("value"), &sealed);
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(unseal_value(s, 1, key, buf_bytes(&sealed), &out));
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 1; len < sealed.len; len++)
		assert_false(unseal_value(s, 1, key, bytes_of(sealed.data, len), &out));
	assert_true(unseal_value(s, 1, key, buf_bytes(&sealed), &out));
	buf_free(&sealed);
	buf_free(&out);
	sealer_free(&s);
}

static void test_empty_values_stay_empty(void **state)
{
	struct sealer *s = sealer_new(master);
	struct buf sealed = BUF_INIT, out = BUF_INIT;
	struct bytes none = { 0 };

	(void)state;
	buf_add_str(&sealed, "left over");
	seal(s, bytes_str("key"), none, &sealed);
	assert_int_equal(sealed.len, 0);
	buf_add_str(&out, "left over");
	assert_true(unseal_value(s, 1, bytes_str("key"), none, &out));
	assert_int_equal(out.len, 0);
	buf_free(&sealed);
	buf_free(&out);
	sealer_free(&s);
}

/* Two values under one nonce would give both away. */
static void test_no_nonce_comes_twice(void **state)
{
	struct sealer *s = sealer_new(master);
	struct buf a = BUF_INIT, b = BUF_INIT;
	uint8_t nonce[SEAL_NONCE], again[SEAL_NONCE];
	struct bytes key = bytes_str("key"), value = bytes_str("value");

	(void)state;
	seal_nonce(nonce);
	seal_nonce(again);
	assert_memory_not_equal(nonce, again, SEAL_NONCE);
	memset(nonce, 0xff, 2);
	for (int i = 0; i < 1000; i++) {
		seal_value(s, nonce, 1, key, value, i % 2 ? &a : &b);
		if (i)
			assert_memory_not_equal(a.data, b.data, SEAL_NONCE);
	}
	buf_free(&a);
	buf_free(&b);
	sealer_free(&s);
}

static void test_hashes_are_kept_apart(void **state)
{
	struct sealer *s = sealer_new(master), *other = sealer_new(other_master);
	uint8_t a[16], b[16];

	(void)state;
	seal_hash(s, "one", bytes_str("value"), a);
	seal_hash(s, "one", bytes_str("value"), b);
	assert_memory_equal(a, b, 16);
	seal_hash(s, "two", bytes_str("value"), b);
	assert_memory_not_equal(a, b, 16);
	seal_hash(other, "one", bytes_str("value"), b);
	assert_memory_not_equal(a, b, 16);
	seal_hash(s, "onev", bytes_str("alue"), b);
	assert_memory_not_equal(a, b, 16);
	sealer_free(&s);
	sealer_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_in_its_place_only),
		cmocka_unit_test(test_no_bit_changes_unseen),
		cmocka_unit_test(test_empty_values_stay_empty),
		cmocka_unit_test(test_no_nonce_comes_twice),
		cmocka_unit_test(test_hashes_are_kept_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
