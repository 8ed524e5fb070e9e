#include "common/arena.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void test_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(1u << 20);

	for (size_t size = 0; size < 300; size++) {
		uint8_t *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0xab, size);
	}
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void test_ceiling(void **state)
{
	struct arena *a = arena_new(100000);
	size_t n = 0;

	while (arena_alloc(a, 100))
		n++;
	assert_in_range(n, 800, 1000);
	assert_true(arena_used(a) <= 100000);
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 90000));
	assert_null(arena_alloc(a, 90000));
	arena_free(&a);
}

static void test_reset_keeps_first_block(void **state)
{
	struct arena *a = arena_new(1u << 24);
	void *first = arena_alloc(a, 10);

	assert_non_null(arena_alloc(a, 1u << 20));
	arena_reset(a);
	assert_ptr_equal(arena_alloc(a, 10), first);
	arena_free(&a);
}

static void test_copies(void **state)
{
	struct arena *a = arena_new(4096);
	struct bytes copy = arena_copy(a, bytes_of("a\0b", 3));
	uint8_t *zero = arena_calloc(a, 3, 7);

	assert_int_equal(copy.len, 3);
	assert_memory_equal(copy.data, "a\0b", 3);
	assert_string_equal(arena_str(a, bytes_of("杭州x", 6)), "杭州");
	for (int i = 0; i < 21; i++)
		assert_int_equal(zero[i], 0);
	assert_non_null(arena_copy(a, bytes_of(NULL, 0)).data);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_and_apart),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_reset_keeps_first_block),
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
