#include "server/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static enum status read_text(struct options *o, const char *text, struct error *e)
{
	char path[] = "/tmp/guanxi_options_XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	enum status s = options_read(o, path, e);
	unlink(path);
	return s;
}

static void defaults_fit_their_ranges(void **state)
{
	struct options *o = options_new();

	assert_string_equal(o->listen[0], "0.0.0.0:7650");
	assert_true(o->map_size == INT64_C(64) << 30);
	assert_int_equal(options_log_level(o), LOG_LEVEL_INFO);
	assert_string_equal(o->devices, "open");
	options_free(&o);
	assert_null(o);
	options_free(&o);
}

static void a_file_sets_values(void **state)
{
	struct options *o = options_new();
	struct error e;

	error_init(&e);
	assert_int_equal(read_text(o,
				 "listen = { \"127.0.0.1:0\", \"[::1]:7650\" }\n# note\n"
				 "loops = 3\nstore.map_size = 512MiB\nlog.level = debug\n",
				 &e),
		STATUS_OK);
	assert_string_equal(o->listen[1], "[::1]:7650");
	assert_int_equal(o->loops, 3);
	assert_true(o->map_size == INT64_C(512) << 20);
	assert_int_equal(options_log_level(o), LOG_LEVEL_DEBUG);
	error_clear(&e);
	options_free(&o);
}

static void bad_files_change_nothing(void **state)
{
	static const char *const bad[] = { "loops = -1\n", "loops = many\n", "nothing = 1\n",
		"loops = 2\nloops\n", "log.level = loud\n", "store.map_size = 1\n",
		"store.map_size = 99999999999999999999\n", "store.map_size = 64Gb\n",
		"devices = approve\n", "listen = { \"a\"\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct options *o = options_new();
		struct error e;
		error_init(&e);
		assert_int_equal(read_text(o, bad[i], &e), STATUS_USAGE);
		assert_true(e.message[0] != 0);
		assert_int_equal(o->loops, 0);
		error_clear(&e);
		options_free(&o);
	}
}

static void a_missing_file_is_named(void **state)
{
	struct options *o = options_new();
	struct error e;

	error_init(&e);
	assert_int_equal(options_read(o, "/nonexistent/guanxid.conf", &e), STATUS_USAGE);
	assert_non_null(strstr(e.message, "/nonexistent/guanxid.conf"));
	error_clear(&e);
	options_free(&o);
}

static void reload_takes_only_reloadable_ones(void **state)
{
	struct options *o = options_new(), *from = options_new();
	struct error e;

	error_init(&e);
	assert_int_equal(read_text(from, "loops = 7\nlog.level = error\n", &e), STATUS_OK);
	options_reload(o, from);
	assert_int_equal(o->loops, 0);
	assert_int_equal(options_log_level(o), LOG_LEVEL_ERROR);
	error_clear(&e);
	options_free(&o);
	options_free(&from);
}

static void what_is_printed_can_be_read(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct options *o = options_new();
	struct error e;
	size_t n;

	options_print(f);
	fclose(f);
	for (char *p = text; (p = strchr(p, '#')); p++)
		if (p[1] != ' ')
			*p = ' '; /* the default becomes a setting */
	error_init(&e);
	assert_int_equal(read_text(o, text, &e), STATUS_OK);
	const struct option_row *row = option_rows(&n);
	for (size_t i = 0; i < n; i++)
		assert_non_null(strstr(text, row[i].name));
	error_clear(&e);
	options_free(&o);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fit_their_ranges),
		cmocka_unit_test(a_file_sets_values),
		cmocka_unit_test(bad_files_change_nothing),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(reload_takes_only_reloadable_ones),
		cmocka_unit_test(what_is_printed_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
