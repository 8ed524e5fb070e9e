#include "server/cmd_init.h"
#include "common/clock.h"
#include "server/call/auth.h"
#include "server/call/secret.h"
#include "server/cmd.h"
#include "server/home.h"
#include "server/model/model.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_PASSWORD 20

/* Three hundred thousand years to guess: 20 of 32 characters, hyphens between. */
static void password_random(struct buf *out)
{
	static const char alphabet[] = "abcdefghjkmnpqrstvwxyz0123456789";

	for (size_t i = 0; i < RANDOM_PASSWORD; i++) {
		if (i && i % 5 == 0)
			buf_add_u8(out, '-');
		buf_add_u8(out, (uint8_t)alphabet[randombytes_uniform(32)]);
	}
}

static enum status folder_make(const char *path, struct error *e)
{
	if (g_mkdir_with_parents(path, 0700) != 0)
		return error_reason(
			e, STATUS_INTERNAL, "io", "cannot make \"%s\": %s", path, strerror(errno));
	return STATUS_OK;
}

/* The store is made under another name and gets its own when it is whole: a cut leaves none, not half of one. */
static enum status store_name(const char *dir, struct error *e)
{
	char *made = home_path(dir, "store.new");
	char *store = home_path(dir, "store");
	int fd = -1;
	enum status s = STATUS_OK;

	if (rename(made, store) != 0 || (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		fsync(fd) != 0)
		s = error_reason(
			e, STATUS_INTERNAL, "io", "cannot make \"%s\": %s", store, strerror(errno));
	if (fd >= 0)
		close(fd);
	g_free(made);
	g_free(store);
	return s;
}

size_t home_names(const char *const *hosts, size_t nhosts, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < nhosts && n < CMD_LIST_MAX; i++)
		names[n++] = hosts[i];
	names[n++] = g_get_host_name();
	names[n++] = "localhost";
	names[n++] = "127.0.0.1";
	names[n++] = "::1";
	return n;
}

static enum status secrets_make(
	const char *dir, const char *const *hosts, size_t nhosts, struct error *e)
{
	const char *names[CMD_LIST_MAX + 4];
	size_t n = home_names(hosts, nhosts, names);
	char *key = home_path(dir, "master.key");
	enum status s;

	unlink(key); /* of an init that was cut: there is no store */
	s = master_key_make(key, e);
	if (!s)
		s = authority_make(dir, names, n, e);
	g_free(key);
	return s;
}

static enum status store_fill(struct store *store, const char *admin, struct bytes password,
	bool must_change, struct error *e)
{
	struct author author = { .now_ms = real_ms() };
	struct txn *t = NULL;
	uint64_t user;
	char hash[128];
	enum status s = password_hash(password, hash, e);

	if (!s)
		s = txn_begin(store, true, &t, e);
	if (!s)
		s = store_operation(t, &author.operation, e);
	if (!s)
		s = model_fill(t, &author, admin, &user, e);
	if (!s)
		s = credential_put(t, user, hash, must_change, e);
	sodium_memzero(hash, sizeof(hash));
	if (!s)
		return txn_commit(&t, e);
	txn_abort(&t);
	return s;
}

static enum status store_make(const char *dir, const char *admin, struct bytes password,
	bool must_change, struct error *e)
{
	char *made = home_path(dir, "store.new");
	struct home_options o = { .dir = dir, .store = made, .create = true };
	struct home home;
	enum status s;

	store_remove(made);
	s = home_open(&o, &home, e);
	if (!s) {
		s = store_fill(home.store, admin, password, must_change, e);
		home_close(&home);
	}
	if (!s)
		s = store_name(dir, e);
	g_free(made);
	return s;
}

bool home_has_store(const char *dir)
{
	char *store = home_path(dir, "store");
	bool has = g_file_test(store, G_FILE_TEST_EXISTS);

	g_free(store);
	return has;
}

enum status home_init(const char *dir, const char *admin, const char *const *hosts, size_t nhosts,
	struct bytes password, bool must_change, struct error *e)
{
	enum status s;

	if (home_has_store(dir))
		return error_reason(
			e, STATUS_CONFLICT, "refused", "there is a store in \"%s\" already", dir);
	s = folder_make(dir, e);
	if (!s && chmod(dir, 0700) != 0)
		s = error_set(e, STATUS_INTERNAL, "cannot change the mode of \"%s\"", dir);
	if (!s)
		s = secrets_make(dir, hosts, nhosts, e);
	if (!s)
		s = store_make(dir, admin, password, must_change, e);
	return s;
}

static enum status print_pin(const char *dir, struct error *e)
{
	struct authority *authority;
	char pin[TLS_PIN_SIZE];
	enum status s = authority_open(dir, &authority, e);

	if (s)
		return s;
	authority_pin(authority, pin);
	authority_free(&authority);
	printf("fingerprint: %s\n", pin);
	return STATUS_OK;
}

static int run(const struct cmd_args *a)
{
	const char *admin = a->admin ? a->admin : "admin";
	struct buf password = BUF_INIT;
	struct error e;
	enum status s = STATUS_OK;

	error_init(&e);
	if (a->password_file)
		s = cmd_read_line(a->password_file, &password, &e);
	else
		password_random(&password);
	if (!s && a->password_file)
		s = password_acceptable(buf_bytes(&password), admin, PASSWORD_SHORTEST, &e);
	if (!s)
		s = home_init(a->dir, admin, a->host, a->nhost, buf_bytes(&password),
			!a->password_file, &e);
	if (!s)
		s = print_pin(a->dir, &e);
	if (!s && !a->password_file)
		printf("password of %s (change it at the first login): %s\n", admin,
			buf_str(&password));
	if (password.data)
		sodium_memzero(password.data, password.cap);
	buf_free(&password);
	return s ? cmd_failed(&e) : fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_init = {
	.name = "init",
	.usage = "-D DIR [--admin NAME] [--password-file FILE|-] [--host NAME]...",
	.help = "makes DIR: empty store, master key, private authority, first administrator",
	.options = "dir admin password-file host",
	.needs_dir = true,
	.run = run,
};
