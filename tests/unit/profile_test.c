/* The profile's folder: what is kept, with which rights, and what an empty one is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/files.h"
#include "client/profile.h"
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(void **state)
{
	char *folder = strdup("/tmp/guanxi-profile-XXXXXX");

	if (!folder || !mkdtemp(folder))
		return -1;
	setenv("GUANXI_CONFIG_DIR", folder, 1);
	unsetenv("GUANXI_PROFILE");
	unsetenv("GUANXI_TOKEN_FILE");
	*state = folder;
	return 0;
}

static int drop_folder(void **state)
{
	static const char *const files[] = { "profiles/default/settings",
		"profiles/default/key.pem", "profiles/default/certificate.pem",
		"profiles/default/token", "profiles/default/schema", "profiles/default", "profiles",
		"token", "" };
	struct buf path = BUF_INIT;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/%s", (char *)*state, files[i]);
		remove(buf_str(&path));
	}
	buf_free(&path);
	free(*state);
	return 0;
}

static void missing_profile_is_empty(void **state)
{
	struct profile *p;
	struct buf schema = BUF_INIT;

	assert_int_equal(profile_load(NULL, &p, NULL), STATUS_OK);
	assert_null(p->server);
	assert_int_equal(p->token.len, 0);
	profile_read_schema(p, &schema);
	assert_int_equal(schema.len, 0);
	profile_free(&p);
	assert_null(p);
}

static mode_t mode_of(const struct profile *p, const char *file)
{
	struct stat about;
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", p->folder, file);
	assert_int_equal(stat(buf_str(&path), &about), 0);
	buf_free(&path);
	return about.st_mode & 0777;
}

static void saved_profile_comes_back_private(void **state)
{
	struct profile *p;
	struct buf schema = BUF_INIT;

	assert_int_equal(profile_load(NULL, &p, NULL), STATUS_OK);
	profile_set(&p->server, "10.0.0.1:7650");
	profile_set(&p->user, "王芳");
	profile_set(&p->pin, "ab");
	buf_add(&p->token, "\x00\xff\x10", 3);
	buf_add_str(&p->key_pem, "key");
	assert_int_equal(profile_save(p, NULL), STATUS_OK);
	assert_int_equal(profile_write_schema(p, bytes_str("schema"), NULL), STATUS_OK);
	assert_int_equal(mode_of(p, ""), 0700);
	assert_int_equal(mode_of(p, "key.pem"), 0600);
	assert_int_equal(mode_of(p, "token"), 0600);
	assert_int_equal(mode_of(p, "settings"), 0600);
	profile_free(&p);
	assert_int_equal(profile_load("default", &p, NULL), STATUS_OK);
	assert_string_equal(p->server, "10.0.0.1:7650");
	assert_string_equal(p->user, "王芳");
	assert_string_equal(p->pin, "ab");
	assert_int_equal(p->token.len, 3);
	assert_memory_equal(p->token.data, "\x00\xff\x10", 3);
	assert_true(bytes_equal_str(buf_bytes(&p->key_pem), "key"));
	profile_read_schema(p, &schema);
	assert_true(bytes_equal_str(buf_bytes(&schema), "schema"));
	buf_free(&schema);
	assert_int_equal(profile_forget_token(p, NULL), STATUS_OK);
	profile_free(&p);
	assert_int_equal(profile_load(NULL, &p, NULL), STATUS_OK);
	assert_int_equal(p->token.len, 0);
	assert_string_equal(p->server, "10.0.0.1:7650");
	profile_free(&p);
}

static void token_file_stands_for_a_login(void **state)
{
	struct profile *p;
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/token", (char *)*state);
	assert_int_equal(file_replace(buf_str(&path), bytes_str("0a0b\n"), NULL), STATUS_OK);
	setenv("GUANXI_TOKEN_FILE", buf_str(&path), 1);
	assert_int_equal(profile_load(NULL, &p, NULL), STATUS_OK);
	assert_int_equal(p->token.len, 2);
	profile_free(&p);
	unsetenv("GUANXI_TOKEN_FILE");
	buf_free(&path);
}

static void names_cannot_leave_the_folder(void **state)
{
	const char *const bad[] = { "../x", "a/b", ".", "" };
	struct profile *p;
	struct error e;

	error_init(&e);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(profile_load(bad[i], &p, &e), STATUS_USAGE);
		profile_free(&p);
	}
	error_clear(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(missing_profile_is_empty, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
			saved_profile_comes_back_private, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
			token_file_stands_for_a_login, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
			names_cannot_leave_the_folder, make_folder, drop_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
