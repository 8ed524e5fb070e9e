#include "common/filter.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

static const char *const op_names[] = { "and", "or", "not", "=", "!=", "<", "<=", ">", ">=", "~",
	"in", "empty", "not-empty" };

/* The tree as an expression with the operator in front. */
static void add_tree(const struct filter *f, int at, struct buf *out)
{
	const struct filter_node *n = &f->nodes[at];

	buf_printf(out, "(%s", op_names[n->op]);
	if (n->left >= 0) {
		buf_add_u8(out, ' ');
		add_tree(f, n->left, out);
	}
	if (n->right >= 0) {
		buf_add_u8(out, ' ');
		add_tree(f, n->right, out);
	}
	for (int i = 0; i < n->npath; i++) {
		buf_add_u8(out, i == 0 ? ' ' : '.');
		buf_add_bytes(out, n->path[i]);
	}
	for (size_t i = 0; i < n->nvalues; i++) {
		buf_add_str(out, " |");
		buf_add_bytes(out, n->values[i]);
	}
	buf_add_u8(out, ')');
}

static void check(const char *text, const char *tree)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf out = BUF_INIT;
	struct filter f;
	struct error e;

	error_init(&e);
	if (filter_parse(bytes_str(text), arena, &f, &e))
		fail_msg("%s: %s", text, e.message);
	if (f.root >= 0)
		add_tree(&f, f.root, &out);
	assert_string_equal(buf_str(&out), tree);
	buf_free(&out);
	arena_free(&arena);
}

static void test_comparisons(void **state)
{
	check("", "");
	check("  \xe3\x80\x80 ", "");
	check("city = 杭州", "(= city |杭州)");
	check("城市=杭州", "(= 城市 |杭州)");
	check("a != 1", "(!= a |1)");
	check("a<1", "(< a |1)");
	check("a <= 1,234.50", "(<= a |1,234.50)");
	check("a>today-30d", "(> a |today-30d)");
	check("a >= 2026-11-21", "(>= a |2026-11-21)");
	check("a ~ zgq", "(~ a |zgq)");
	check("url = http://x.cn/?a=b", "(= url |http://x.cn/?a=b)");
	check("a in (x, 'y z' , \"w\")", "(in a |x |y z |w)");
	check("a not in (x)", "(not (in a |x))");
	check("a is empty", "(empty a)");
	check("a IS NOT EMPTY", "(not-empty a)");
	check("customer.city = 杭州", "(= customer.city |杭州)");
	check("\"Created at\" = x", "(= Created at |x)");
	check("a = \"q \\\" \\\\ )\"", "(= a |q \" \\ ))");
	check("a = \"\"", "(= a |)");
	check("order = 1", "(= order |1)");
	check("android = notebook", "(= android |notebook)");
}

static void test_full_width(void **state)
{
	check("（城市 ＝ “杭州 西湖” or 城市 in （宁波，温州、嘉兴））",
		"(or (= 城市 |杭州 西湖) (in 城市 |宁波 |温州 |嘉兴))");
	check("额 ≥ 5 and 额 ≤ 9 and 额 ≠ 7", "(and (and (>= 额 |5) (<= 额 |9)) (!= 额 |7))");
	check("名 ～ ‘长河’", "(~ 名 |长河)");
	check("额 ＞＝ 5", "(>= 额 |5)");
}

static void test_precedence(void **state)
{
	check("a=1 or b=2 and c=3", "(or (= a |1) (and (= b |2) (= c |3)))");
	check("(a=1 or b=2) and c=3", "(and (or (= a |1) (= b |2)) (= c |3))");
	check("not a=1 and b=2", "(and (not (= a |1)) (= b |2))");
	check("not (a=1 and b=2)", "(not (and (= a |1) (= b |2)))");
	check("not not a=1", "(not (not (= a |1)))");
	check("a=1 and b=2 and c=3", "(and (and (= a |1) (= b |2)) (= c |3))");
	check("a=1 AND(b=2)OR c=3", "(or (and (= a |1) (= b |2)) (= c |3))");
	check("(city in (杭州, 宁波) or tags = 重点) and not status = lost and last_contact_on < "
	      "today-30d",
		"(and (and (or (in city |杭州 |宁波) (= tags |重点)) (not (= status |lost))) "
		"(< last_contact_on |today-30d))");
}

static void refuse(const char *text, const char *message)
{
	struct arena *arena = arena_new(1 << 20);
	struct filter f;
	struct error e;

	error_init(&e);
	assert_int_equal(filter_parse(bytes_str(text), arena, &f, &e), STATUS_USAGE);
	assert_int_equal(f.root, -1);
	assert_string_equal(e.message, message);
	error_clear(&e);
	arena_free(&arena);
}

static void test_mistakes_are_marked(void **state)
{
	refuse("a", "operator is missing (= != < <= > >= ~ in is) (column 2 of the filter)\n"
		    "  a\n"
		    "   ^");
	refuse("城市 = ", "value is missing (column 6 of the filter)\n"
			  "  城市 = \n"
			  "         ^");
	refuse("城市 = 杭州 b = 1", "and or or is missing (column 9 of the filter)\n"
				    "  城市 = 杭州 b = 1\n"
				    "              ^");
	refuse("(a = 1", "parenthesis is not closed (column 1 of the filter)\n"
			 "  (a = 1\n"
			 "  ^");
	refuse("a = 1)", "parenthesis was not opened (column 6 of the filter)\n"
			 "  a = 1)\n"
			 "       ^");
	refuse("a = \"x", "quote is not closed (column 5 of the filter)\n"
			  "  a = \"x\n"
			  "      ^");
	refuse("a = 1 and", "field is missing (column 10 of the filter)\n"
			    "  a = 1 and\n"
			    "           ^");
	refuse("a.b.c.d = 1", "path is longer than three fields (column 7 of the filter)\n"
			      "  a.b.c.d = 1\n"
			      "        ^");
	refuse("a is 5", "empty is missing after is (column 6 of the filter)\n"
			 "  a is 5\n"
			 "       ^");
	refuse("a = = 5", "value is missing (column 5 of the filter)\n"
			  "  a = = 5\n"
			  "      ^");
}

/* A long filter shows the part around the mistake. */
static void test_long_text_is_cut_around_the_mark(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf text = BUF_INIT;
	struct filter f;
	struct error e;

	error_init(&e);
	for (int i = 0; i < 60; i++)
		buf_add_str(&text, "城市 = 杭州 and ");
	buf_add_str(&text, "b = ");
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, &e), STATUS_USAGE);
	assert_non_null(strstr(e.message, "\n  ..."));
	assert_in_range(strlen(e.message), 100, 400);
	buf_free(&text);
	error_clear(&e);
	arena_free(&arena);
}

static void test_limits(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf text = BUF_INIT;
	struct filter f;

	for (int i = 0; i < 63; i++)
		buf_add_u8(&text, '(');
	buf_add_str(&text, "a=1");
	for (int i = 0; i < 63; i++)
		buf_add_u8(&text, ')');
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_OK);
	buf_clear(&text);
	for (int i = 0; i < 4000; i++)
		buf_add_u8(&text, '(');
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_USAGE);
	buf_clear(&text);
	for (int i = 0; i < 2000; i++)
		buf_add_str(&text, "not ");
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_USAGE);
	buf_clear(&text);
	buf_add_str(&text, "a=1");
	for (int i = 0; i < 127; i++)
		buf_add_str(&text, " and a=1");
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_OK);
	buf_add_str(&text, " and a=1");
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_USAGE);
	buf_clear(&text);
	for (int i = 0; i <= FILTER_MAX_BYTES; i++)
		buf_add_u8(&text, 'a');
	assert_int_equal(filter_parse(buf_bytes(&text), arena, &f, NULL), STATUS_USAGE);
	assert_int_equal(filter_parse(bytes_str("a = \xff"), arena, &f, NULL), STATUS_USAGE);
	assert_int_equal(filter_parse(bytes_str("a = \x1b[0m"), arena, &f, NULL), STATUS_USAGE);
	buf_free(&text);
	arena_free(&arena);
}

/* Every cut of a good filter is parsed or refused without reading beyond it. */
static void test_truncation(void **state)
{
	static const char text[] =
		"(城市 in (杭州, “宁波”) or tags = \"重 点\") and not a.b is not empty";

	for (size_t len = 0; len < sizeof(text); len++) {
		struct arena *arena = arena_new(1 << 20);
		char *copy = malloc(len + 1);
		struct filter f;

		memcpy(copy, text, len);
		filter_parse(bytes_of(copy, len), arena, &f, NULL);
		arena_free(&arena);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_full_width),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_mistakes_are_marked),
		cmocka_unit_test(test_long_text_is_cut_around_the_mark),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
