/* The line of arguments: options anywhere, mistakes with suggestions, commands, translations, batch requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/command.h"
#include "client/commands.h"
#include "client/message.h"
#include "client/options.h"
#include "client/profile.h"
#include "client/request.h"
#include "common/frame.h"

#define PARSE(...)                                                                                 \
	static const char *argv[] = { "guanxi", __VA_ARGS__ };                                     \
	const char *words[sizeof argv / sizeof argv[0] + 1];                                       \
	struct options o;                                                                          \
	struct error e;                                                                            \
	error_init(&e);                                                                            \
	enum status st =                                                                           \
		options_parse((int)(sizeof argv / sizeof argv[0]), (char **)argv, words, &o, &e)

static void options_stand_anywhere(void **state)
{
	PARSE("customer", "-o", "json", "list", "--limit=5", "city = x", "-yq", "--", "-o");
	assert_int_equal(st, STATUS_OK);
	assert_int_equal(o.nwords, 4);
	assert_string_equal(o.words[1], "list");
	assert_string_equal(o.words[3], "-o");
	assert_null(o.words[4]);
	assert_string_equal(o.output, "json");
	assert_string_equal(o.limit, "5");
	assert_true(o.yes && o.quiet);
}

static void short_option_takes_its_value_with_it(void **state)
{
	PARSE("-ojson", "-n3", "-");
	assert_int_equal(st, STATUS_OK);
	assert_string_equal(o.output, "json");
	assert_string_equal(o.limit, "3");
	assert_string_equal(o.words[0], "-");
}

static void unknown_option_gets_a_suggestion(void **state)
{
	PARSE("list", "--limt", "3");
	assert_int_equal(st, STATUS_USAGE);
	assert_non_null(strstr(e.message, "'--limit'"));
	error_clear(&e);
}

static void option_without_its_value_fails(void **state)
{
	PARSE("list", "--limit");
	assert_int_equal(st, STATUS_USAGE);
	error_clear(&e);
}

static void flag_with_a_value_fails(void **state)
{
	PARSE("--quiet=yes");
	assert_int_equal(st, STATUS_USAGE);
	error_clear(&e);
}

static void map_may_repeat(void **state)
{
	PARSE("import", "--map", "a=b", "--map", "c=d");
	assert_int_equal(st, STATUS_OK);
	assert_int_equal(o.map.n, 2);
	assert_string_equal(o.map.items[1], "c=d");
}

static void option_of_another_command_is_refused(void **state)
{
	PARSE("list", "--rejects", "x", "-q");
	assert_int_equal(st, STATUS_OK);
	assert_int_equal(options_check(&o, "limit all", "list", &e), STATUS_USAGE);
	assert_non_null(strstr(e.message, "'--rejects'"));
	error_clear(&e);
	assert_int_equal(options_check(&o, "all rejects", "list", &e), STATUS_OK);
}

static void numbers_are_whole_and_bounded(void **state)
{
	uint64_t v = 7;
	struct error e;

	error_init(&e);
	assert_int_equal(option_number(NULL, "limit", 10, &v, &e), STATUS_OK);
	assert_int_equal(v, 7);
	assert_int_equal(option_number("10", "limit", 10, &v, &e), STATUS_OK);
	assert_int_equal(v, 10);
	const char *const bad[] = { "11", "-1", "", "1x", " 1", "99999999999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(option_number(bad[i], "limit", 10, &v, &e), STATUS_USAGE);
	error_clear(&e);
}

static enum status find(const char **words, size_t n, struct app *app, const struct command **out)
{
	struct error e;

	error_init(&e);
	*app = (struct app){ .opt = { .words = words, .nwords = n } };
	enum status st = command_find(app, out, &e);
	error_clear(&e);
	return st;
}

static void commands_are_found(void **state)
{
	const struct command *c;
	struct app app;
	const char *general[] = { "service-order", "list", "x", NULL };
	const char *own[] = { "reminder", "ack", "5", NULL };
	const char *alone[] = { "search", "x", NULL };
	const char *shortcut[] = { "add", "x", NULL };
	const char *wrong[] = { "customer", "lst", NULL };

	assert_int_equal(find(general, 3, &app, &c), STATUS_OK);
	assert_string_equal(app.noun, "service-order");
	assert_string_equal(app.verb, "list");
	assert_int_equal(app.nargs, 1);
	assert_int_equal(find(own, 3, &app, &c), STATUS_OK);
	assert_string_equal(c->noun, "reminder");
	assert_int_equal(find(alone, 2, &app, &c), STATUS_OK);
	assert_null(app.noun);
	assert_int_equal(find(shortcut, 2, &app, &c), STATUS_OK);
	assert_true(app.shortcut);
	assert_int_equal(find(wrong, 2, &app, &c), STATUS_USAGE);
}

static void every_command_has_its_help(void **state)
{
	for (size_t i = 0; i < ncommands; i++) {
		assert_non_null(commands[i]->name);
		assert_non_null(commands[i]->usage);
		assert_non_null(commands[i]->run);
		assert_ptr_not_equal(tr(true, commands[i]->help), commands[i]->help);
	}
}

/* The conversions of a format, in order, without width and the like. */
static void conversions(const char *format, char out[64])
{
	size_t n = 0;

	for (; *format; format++) {
		if (*format != '%')
			continue;
		for (format++; *format && n < 62; format++) {
			out[n++] = *format;
			if (strchr("sdufcxg%", *format))
				break;
		}
		if (!*format)
			break;
	}
	out[n] = '\0';
}

static void translations_keep_the_formats(void **state)
{
	char en[64], zh[64];

	for (size_t i = 0; i < ntranslations; i++) {
		conversions(translations[i].en, en);
		conversions(translations[i].zh, zh);
		assert_string_equal(en, zh);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(translations[i].en, translations[k].en);
	}
	assert_string_equal(tr(false, "count"), "count");
	assert_string_equal(tr(true, "count"), "统计");
	assert_string_equal(tr(true, "no such message"), "no such message");
}

static enum status request_of(struct arena *arena, const char *line, Guanxi__Request **r)
{
	struct error e;

	error_init(&e);
	arena_reset(arena);
	enum status st = batch_request(arena, bytes_str(line), r, &e);
	error_clear(&e);
	return st;
}

static void batch_lines_become_requests(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	Guanxi__Request *r;

	assert_int_equal(
		request_of(arena,
			"{\"op\":\"set\",\"entity\":\"service-order\",\"id\":[3,\"C01\"],\"set\":"
			"{\"name\":\"x\",\"amount\":12.5,\"tags\":[\"a\",\"b\"],\"phone\":null},"
			"\"if_version\":4,\"dry_run\":true,\"page\":\"0aff\"}",
			&r),
		STATUS_OK);
	assert_true(bytes_equal_str(pb_bytes(r->op), "record.set"));
	assert_true(bytes_equal_str(pb_bytes(r->entity), "service_order"));
	assert_int_equal(r->n_record, 2);
	assert_true(bytes_equal_str(pb_bytes(r->record[0]), "3"));
	assert_true(bytes_equal_str(pb_bytes(r->record[1]), "C01"));
	assert_int_equal(r->n_set, 4);
	assert_true(bytes_equal_str(pb_bytes(r->set[1]->value), "12.5"));
	assert_true(bytes_equal_str(pb_bytes(r->set[2]->value), "[\"a\",\"b\"]"));
	assert_int_equal(r->set[3]->value.len, 0);
	assert_true(r->has_if_version && r->if_version == 4);
	assert_true(r->has_dry_run && r->dry_run);
	assert_int_equal(r->page.len, 2);
	assert_int_equal(request_of(arena, "{\"op\":\"today\"}", &r), STATUS_OK);
	assert_true(bytes_equal_str(pb_bytes(r->op), "today"));
	arena_free(&arena);
}

static void bad_batch_lines_are_refused(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	Guanxi__Request *r;
	const char *const bad[] = { "", "[]", "{}", "{\"op\":1}", "{\"op\":\"add\",\"limit\":-1}",
		"{\"op\":\"add\",\"sett\":{}}", "{\"op\":\"add\",\"set\":[]}", "{\"op\":\"add\"",
		"{\"op\":\"list\",\"page\":\"xyz\"}" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(request_of(arena, bad[i], &r), STATUS_OK);
	arena_free(&arena);
}

static void assignments_know_the_at_sign(void **state)
{
	struct app app = { .arena = arena_new(1 << 20) };
	Guanxi__Request *r = request_bare(app.arena, bytes_str("record.add"));
	const char *good[] = { "a=@@b", "customer=@name:x", "c=", "d=e=f" };
	const char *file[] = { "a=@/no/such/file" };
	const char *bad[] = { "a" };
	struct error e;

	error_init(&e);
	assert_int_equal(request_assign(&app, r, good, 4, &e), STATUS_OK);
	assert_true(bytes_equal_str(pb_bytes(r->set[0]->value), "@b"));
	assert_true(bytes_equal_str(pb_bytes(r->set[1]->value), "@name:x"));
	assert_int_equal(r->set[2]->value.len, 0);
	assert_true(bytes_equal_str(pb_bytes(r->set[3]->value), "e=f"));
	assert_int_equal(request_assign(&app, r, file, 1, &e), STATUS_USAGE);
	assert_int_equal(request_assign(&app, r, bad, 1, &e), STATUS_USAGE);
	error_clear(&e);
	arena_free(&app.arena);
}

static void addresses_are_taken_apart(void **state)
{
	char host[256], port[8];
	struct error e;

	error_init(&e);
	assert_int_equal(address_parse("crm.example:77", host, port, &e), STATUS_OK);
	assert_string_equal(host, "crm.example");
	assert_string_equal(port, "77");
	assert_int_equal(address_parse("[::1]:88", host, port, &e), STATUS_OK);
	assert_string_equal(host, "::1");
	assert_string_equal(port, "88");
	assert_int_equal(address_parse("10.0.0.1", host, port, &e), STATUS_OK);
	assert_string_equal(port, "7650");
	const char *const bad[] = { "", ":1", "h:", "h:x", "[::1", "h:123456" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(address_parse(bad[i], host, port, &e), STATUS_USAGE);
	error_clear(&e);
}

static void says(const char *en, const char *zh)
{
	struct buf out = BUF_INIT;

	message_chinese(bytes_str(en), &out);
	assert_string_equal(buf_str(&out), zh);
	buf_free(&out);
}

static void messages_of_the_server_become_chinese(void **state)
{
	says("code of team \"3\" is taken by team \"4\" by now",
		"team“3”的 code 现已被 team“4”使用");
	says("value of \"city\" is missing in saved filter \"A\" (column 3 of the filter)",
		"保存的筛选“A”中:“city”的值缺失(筛选条件第 3 列)");
	says("a plan that is approved cannot be deleted", "状态为 approved 的计划不能删除");
	says("phone is not a phone number", "phone 不是电话号码");
	says("nobody ever said this", "nobody ever said this");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(short_option_takes_its_value_with_it),
		cmocka_unit_test(unknown_option_gets_a_suggestion),
		cmocka_unit_test(option_without_its_value_fails),
		cmocka_unit_test(flag_with_a_value_fails),
		cmocka_unit_test(map_may_repeat),
		cmocka_unit_test(option_of_another_command_is_refused),
		cmocka_unit_test(numbers_are_whole_and_bounded),
		cmocka_unit_test(commands_are_found),
		cmocka_unit_test(every_command_has_its_help),
		cmocka_unit_test(translations_keep_the_formats),
		cmocka_unit_test(messages_of_the_server_become_chinese),
		cmocka_unit_test(batch_lines_become_requests),
		cmocka_unit_test(bad_batch_lines_are_refused),
		cmocka_unit_test(assignments_know_the_at_sign),
		cmocka_unit_test(addresses_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
