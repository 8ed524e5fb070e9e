/* What scripts and people see: JSON of a record, tables by width, harmless text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/catalog.h"
#include "client/grid.h"
#include "client/json.h"
#include "client/print.h"
#include "common/frame.h"
#include <unistd.h>

static const struct field fields[] = {
	{ .tag = 1, .name = "name", .type = T_TEXT, .zh = "名称", .en = "Name", .flags = F_LIST },
	{ .tag = 2,
		.name = "amount",
		.type = T_MONEY,
		.zh = "金额",
		.en = "Amount",
		.flags = F_LIST },
	{ .tag = 3, .name = "share", .type = T_PERCENT, .zh = "比例", .en = "Share" },
	{ .tag = 4, .name = "tags", .type = T_TAGS, .zh = "标签", .en = "Tags" },
	{ .tag = 5, .name = "active", .type = T_BOOL, .zh = "有效", .en = "Active" },
	{ .tag = 6, .name = "secret", .type = T_TEXT, .zh = "机密", .en = "Secret" },
	{ .tag = 7,
		.name = "parent",
		.type = T_REF,
		.refers_to = "thing",
		.zh = "上级",
		.en = "Parent" },
};

static const struct entity entity = {
	.number = 9,
	.name = "thing",
	.zh = "物",
	.en = "Thing",
	.name_field = "name",
	.fields = fields,
	.nfields = sizeof fields / sizeof fields[0],
};

/* A view by hand: no schema from a server is needed for the fields. */
static struct view view_of(const struct app *app, const Guanxi__Record *r)
{
	struct view v = { .app = app, .entity = &entity, .record = r };

	record_sort(pb_bytes(r->fields), &v.fields);
	return v;
}

static void json_has_the_types_of_the_contract(void **state)
{
	struct app app = { 0 };
	Guanxi__Record r = GUANXI__RECORD__INIT;
	uint32_t masked[] = { 6 };
	struct buf wire = BUF_INIT, out = BUF_INIT;

	record_add_signed(&wire, 2, 123450);
	record_add_text(&wire, 4, bytes_str("a"));
	record_add_text(&wire, 4, bytes_str("b\"\n"));
	record_add_number(&wire, 5, 1);
	record_add_number(&wire, 7, 12);
	record_add_text(
		&wire, 1, bytes_str("杭州")); /* appended out of order, as computed fields are */
	r.id = 5;
	r.version = 2;
	r.entity = 9;
	r.fields = pb_from(buf_bytes(&wire));
	r.masked = masked;
	r.n_masked = 1;
	struct view v = view_of(&app, &r);
	view_json(&v, &out);
	assert_string_equal(buf_str(&out),
		"{\"id\":5,\"version\":2,\"name\":\"杭州\",\"amount\":\"1234.50\","
		"\"tags\":[\"a\",\"b\\\"\\n\"],\"active\":true,\"secret\":\"***\",\"parent\":12,"
		"\"masked\":[\"secret\"]}");
	view_release(&v);
	buf_free(&wire);
	buf_free(&out);
}

static void strings_are_escaped(void **state)
{
	struct buf out = BUF_INIT;

	json_add_string(&out, bytes_str("a\"\\\x01\x1b\t\xff\xe6\x9d\xad\xf0\xa0\xae\xb7"));
	assert_string_equal(buf_str(&out), "\"a\\\"\\\\\\u0001\\u001b\\u0009\xef\xbf\xbd杭𠮷\"");
	buf_clear(&out);
	json_add_string(&out, bytes_of("\0x", 2));
	assert_string_equal(buf_str(&out), "\"\\u0000x\"");
	buf_free(&out);
}

static void scalars_keep_leading_zeros(void **state)
{
	struct buf out = BUF_INIT;

	json_add_scalar(&out, bytes_str("12"));
	json_add_scalar(&out, bytes_str("012"));
	json_add_scalar(&out, bytes_str("0"));
	json_add_scalar(&out, bytes_str(""));
	assert_string_equal(buf_str(&out), "12\"012\"0\"\"");
	buf_free(&out);
}

/* What a function writes to stdout. */
static void captured(struct grid *g, struct buf *out)
{
	int fds[2], was = dup(STDOUT_FILENO);
	char part[4096];
	ssize_t n;

	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	enum status st = grid_end(g, (struct bytes){ 0 }, NULL);
	dup2(was, STDOUT_FILENO);
	close(was);
	while ((n = read(fds[0], part, sizeof part)) > 0)
		buf_add(out, part, (size_t)n);
	close(fds[0]);
	assert_int_equal(st, STATUS_OK);
}

static void two_rows(enum output form, bool no_header, const char *expected)
{
	struct app app = { .output = form, .opt = { .no_header = no_header } };
	const struct grid_column columns[] = { { "id", "编号", true }, { "name", "名称", false },
		{ "city", "城市", false } };
	struct grid *g = grid_new(&app, columns, 3);
	struct buf out = BUF_INIT;

	grid_row(g, (struct bytes[]){ bytes_str("1"), bytes_str("杭州长河"), bytes_str("x") });
	grid_row(g, (struct bytes[]){
			    bytes_str("23456"), bytes_str("a\tb,\x1b[31m"), bytes_str("成都") });
	captured(g, &out);
	assert_string_equal(buf_str(&out), expected);
	grid_free(&g);
	buf_free(&out);
}

static void tables_align_by_width_and_are_harmless(void **state)
{
	two_rows(OUTPUT_TABLE, false,
		" 编号  名称       城市\n"
		"    1  杭州长河   x\n"
		"23456  a\xef\xbf\xbd"
		"b,\xef\xbf\xbd[31m  成都\n");
}

static void tsv_has_one_line_a_row(void **state)
{
	two_rows(OUTPUT_TSV, true, "1\t杭州长河\tx\n23456\ta\\tb,\x1b[31m\t成都\n");
}

static void csv_is_quoted(void **state)
{
	two_rows(OUTPUT_CSV, false,
		"编号,名称,城市\r\n1,杭州长河,x\r\n23456,\"a\tb,\x1b[31m\",成都\r\n");
}

static void empty_json_list_is_complete(void **state)
{
	struct app app = { .output = OUTPUT_JSON };
	struct grid *g = grid_new(&app, NULL, 0);
	struct buf out = BUF_INIT;

	captured(g, &out);
	assert_string_equal(buf_str(&out), "{\"items\":[],\"next\":null}\n");
	grid_free(&g);
	buf_free(&out);
}

static void errors_are_objects(void **state)
{
	struct error e;
	struct buf out = BUF_INIT;

	error_init(&e);
	error_field(&e, "phone", "is not a phone number");
	error_conflict(&e, "city", "a", "b");
	error_set(&e, STATUS_CONFLICT, "two \"things\"");
	error_to_json(&e, &out);
	assert_string_equal(buf_str(&out),
		"{\"code\":\"conflict\",\"message\":\"two \\\"things\\\"\",\"fields\":["
		"{\"field\":\"phone\",\"message\":\"is not a phone number\"},"
		"{\"field\":\"city\",\"message\":\"was changed meanwhile\",\"current\":\"a\","
		"\"yours\":\"b\"}]}");
	error_clear(&e);
	buf_free(&out);
}

static void tokens_go_to_hex_and_back(void **state)
{
	struct buf hex = BUF_INIT, back = BUF_INIT;

	hex_add(&hex, bytes_of("\x00\xfe", 2));
	assert_string_equal(buf_str(&hex), "00fe");
	assert_true(hex_parse("00fe", &back));
	assert_int_equal(back.len, 2);
	assert_false(hex_parse("0", &back));
	assert_false(hex_parse("zz", &back));
	buf_free(&hex);
	buf_free(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_types_of_the_contract),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(scalars_keep_leading_zeros),
		cmocka_unit_test(tables_align_by_width_and_are_harmless),
		cmocka_unit_test(tsv_has_one_line_a_row),
		cmocka_unit_test(csv_is_quoted),
		cmocka_unit_test(empty_json_list_is_complete),
		cmocka_unit_test(errors_are_objects),
		cmocka_unit_test(tokens_go_to_hex_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
