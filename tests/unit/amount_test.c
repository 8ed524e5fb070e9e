/* Amounts of sale lines: the worked numbers of the requirements, and the edges of 64 bits. */
#include "server/model/amount.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static void worked_numbers(void **state)
{
	static const struct {
		int64_t price, quantity, discount, amount;
	} rows[] = {
		{ 115, 10000, 5000, 58 },        /* 0.575: binary floating point gives 0.57 */
		{ 999, 70000, 8500, 5944 },      /* 59.4405: not the rounded price times 7 */
		{ 1999, 30000, 8500, 5097 },     /* 50.9745 */
		{ 3333, 30000, 9000, 8999 },     /* 89.991 */
		{ 5, 10000, 5000, 3 },           /* 0.025: half to even gives 0.02 */
		{ 12850, 120000, 9500, 146490 }, /* 1464.9 */
		{ -5, 10000, 5000, -3 },         /* away from zero on both sides */
		{ 1, 4999, 10000, 0 },           /* below half */
		{ 1, 5000, 10000, 1 },           /* half */
		{ 10000, 3333, 10000, 3333 },    /* a part of a piece */
		{ 100, INT64_C(10000), 0, 0 },   /* given away */
	};
	int64_t amount;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(
			amount_of_line(rows[i].price, rows[i].quantity, rows[i].discount, &amount));
		assert_int_equal(amount, rows[i].amount);
	}
}

static void one_factor(void **state)
{
	int64_t amount;

	assert_true(amount_times(10000000, 5000, &amount)); /* 100000.00 x 50 % */
	assert_int_equal(amount, 5000000);
	assert_true(amount_times(1, 5000, &amount));
	assert_int_equal(amount, 1);
	assert_true(amount_times(-1, 5000, &amount));
	assert_int_equal(amount, -1);
}

static void no_room(void **state)
{
	int64_t amount = 7;

	assert_false(amount_of_line(INT64_MAX, INT64_MAX, 10000, &amount));
	assert_false(amount_of_line(INT64_MAX, INT64_MAX, INT64_MAX, &amount));
	assert_false(amount_of_line(INT64_MIN, INT64_MAX, 10000, &amount));
	assert_false(amount_times(INT64_MAX, 10001, &amount));
	assert_int_equal(amount, 7);
	assert_true(amount_of_line(INT64_MAX, 10000, 10000, &amount));
	assert_true(amount == INT64_MAX);
	assert_true(amount_add(INT64_MAX, 1) == INT64_MAX);
	assert_true(amount_add(INT64_MIN, -1) == INT64_MIN);
	assert_true(amount_add(INT64_MAX, INT64_MIN) == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_numbers),
		cmocka_unit_test(one_factor),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
