/* Which names are taken for one. */
#include "common/name_match.h"
#include <setjmp.h>
#include <stdarg.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static void expect(const char *name, const char *form)
{
	struct buf out = BUF_INIT;

	buf_add_str(&out, "x"); /* appends */
	name_match(bytes_str(name), &out);
	assert_string_equal(buf_str(&out) + 1, form);
	buf_free(&out);
}

static void forms_of_company_go(void **state)
{
	expect("杭州长河有限公司", "杭州长河");
	expect("杭州长河股份有限公司", "杭州长河");
	expect("杭州长河有限责任公司", "杭州长河");
	expect("Long River Co., Ltd.", "longriver");
	expect("LONG RIVER CO.,LTD", "longriver");
	expect("杭州长河有限公司分公司", "杭州长河有限公司分公司");
	expect("有限公司", "");
}

static void what_is_idle_goes(void **state)
{
	expect("（杭州） 长河", "杭州长河");
	expect("(杭州)长河", "杭州长河");
	expect("【杭州】“长河”", "杭州长河");
	expect("ＡＢＣ　公司", "abc公司");
	expect("", "");
	expect(" ()", "");
}

static void the_rest_stays(void **state)
{
	expect("A-1", "a-1");
	expect("并1-10", "并1-10");
	expect("A&B", "a&b");
	expect("𠮷野家", "𠮷野家");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_company_go),
		cmocka_unit_test(what_is_idle_goes),
		cmocka_unit_test(the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
