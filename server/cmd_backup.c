/*
 * A backup file: "GXBACKUP", u32 layout (1), u32 length of the secrets, the secrets, then the store as the engine copies it.
 * Secrets: nonce, then sealed under the master key: for each of the files below u32 length and content. The master key
 * itself is never in it.
 */
#include "server/call/secret.h"
#include "server/cmd.h"
#include "server/cmd_check.h"
#include "server/cmd_init.h"
#include "server/cmd_key.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "GXBACKUP"
#define LAYOUT 1
#define SECRETS_MAX (1u << 20)
#define NONCE crypto_secretbox_NONCEBYTES

static const char *const secret_files[] = { "ca.key", "ca.pem", "server.key", "server.pem" };

static enum status io_failed(const char *path, struct error *e)
{
	return error_reason(
		e, STATUS_INTERNAL, "io", "cannot use \"%s\": %s", path, strerror(errno));
}

static enum status key_of(const char *dir, const struct cmd_args *a, uint8_t *key, struct error *e)
{
	const char *given = a ? a->key_file : NULL;
	char *path = given ? g_strdup(given) : home_path(dir, "master.key");
	enum status s = key_read_any(path, a ? a->password_file : NULL, key, e);

	g_free(path);
	return s;
}

/* The files, each with its length. */
static enum status secrets_read(const char *dir, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < G_N_ELEMENTS(secret_files); i++) {
		char *path = home_path(dir, secret_files[i]);
		char *text = NULL;
		gsize len = 0;
		bool read = g_file_get_contents(path, &text, &len, NULL);
		if (read) {
			buf_add_u32(out, (uint32_t)len);
			buf_add(out, text, len);
			sodium_memzero(text, len);
		}
		g_free(text);
		g_free(path);
		if (!read)
			return error_set(e, STATUS_INTERNAL, "cannot read \"%s\" in \"%s\"",
				secret_files[i], dir);
	}
	return STATUS_OK;
}

static enum status header_make(const char *dir, struct buf *out, struct error *e)
{
	uint8_t key[MASTER_KEY_BYTES];
	struct buf secrets = BUF_INIT;
	enum status s = key_of(dir, NULL, key, e);

	if (!s)
		s = secrets_read(dir, &secrets, e);
	if (!s) {
		size_t len = NONCE + secrets.len + crypto_secretbox_MACBYTES;
		buf_add_str(out, MAGIC);
		buf_add_u32(out, LAYOUT);
		buf_add_u32(out, (uint32_t)len);
		buf_reserve(out, len);
		uint8_t *at = out->data + out->len;
		randombytes_buf(at, NONCE);
		crypto_secretbox_easy(at + NONCE, secrets.data, secrets.len, at, key);
		out->len += len;
	}
	if (secrets.data)
		sodium_memzero(secrets.data, secrets.len);
	buf_free(&secrets);
	sodium_memzero(key, sizeof(key));
	return s;
}

static enum status backup_offline(const char *dir, int fd, struct error *e)
{
	struct home_options o = { .dir = dir, .read_only = true };
	struct home home;
	enum status s = home_open(&o, &home, e);

	if (s)
		return s;
	s = store_backup(home.store, fd, e);
	home_close(&home);
	return s;
}

/* When it was made: health tells. */
static void backup_noted(const char *dir)
{
	char *path = home_path(dir, "last-backup");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0) {
		futimens(fd, NULL);
		close(fd);
	}
	g_free(path);
}

static enum status backup_write(const char *dir, const char *made, struct error *e)
{
	struct buf header = BUF_INIT;
	int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	enum status s = fd < 0 ? io_failed(made, e) : header_make(dir, &header, e);

	if (!s && write(fd, header.data, header.len) != (ssize_t)header.len)
		s = io_failed(made, e);
	if (!s)
		s = home_busy(dir) ? home_snapshot(dir, made, e) : backup_offline(dir, fd, e);
	if (!s && fsync(fd) != 0)
		s = io_failed(made, e);
	if (fd >= 0)
		close(fd);
	buf_free(&header);
	return s;
}

static int backup(const struct cmd_args *a)
{
	char *made = g_strconcat(a->file, ".part", NULL);
	struct error e;
	enum status s;

	error_init(&e);
	s = backup_write(a->dir, made, &e);
	if (!s && rename(made, a->file) != 0)
		s = io_failed(a->file, &e);
	if (s)
		unlink(made);
	else
		backup_noted(a->dir);
	g_free(made);
	return s ? cmd_failed(&e) : 0;
}

/* Restoring. */

static enum status not_backup(struct error *e)
{
	return error_set(e, STATUS_INVALID, "this is no backup, or it is cut short");
}

static enum status secrets_write(const char *dir, struct bytes in, struct error *e)
{
	struct bytes text;
	uint32_t len;
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < G_N_ELEMENTS(secret_files); i++) {
		char *path = home_path(dir, secret_files[i]);
		if (!take_u32(&in, &len) || !take_bytes(&in, len, &text))
			s = not_backup(e);
		else if (!g_file_set_contents_full(path, (const char *)text.data, (gssize)text.len,
				 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
				 NULL))
			s = error_reason(e, STATUS_INTERNAL, "io", "cannot write \"%s\"", path);
		g_free(path);
	}
	return s;
}

static enum status read_exactly(int fd, void *out, size_t len, struct error *e)
{
	ssize_t n = read(fd, out, len);

	return n == (ssize_t)len ? STATUS_OK : not_backup(e);
}

static enum status header_take(
	int fd, const char *dir, const uint8_t key[MASTER_KEY_BYTES], struct error *e)
{
	uint8_t head[16];
	uint8_t *sealed = NULL, *plain = NULL;
	uint32_t len = 0;
	enum status s = read_exactly(fd, head, sizeof(head), e);

	if (!s && (memcmp(head, MAGIC, 8) != 0 || get_be32(head + 8) != LAYOUT))
		s = not_backup(e);
	if (!s)
		len = get_be32(head + 12);
	if (!s && (len < NONCE + crypto_secretbox_MACBYTES || len > SECRETS_MAX))
		s = not_backup(e);
	if (s)
		return s;
	sealed = g_malloc(len);
	plain = g_malloc(len);
	s = read_exactly(fd, sealed, len, e);
	if (!s && crypto_secretbox_open_easy(plain, sealed + NONCE, len - NONCE, sealed, key) != 0)
		s = error_set(e, STATUS_INVALID, "the master key does not fit this backup");
	if (!s)
		s = secrets_write(dir, bytes_of(plain, len - NONCE - crypto_secretbox_MACBYTES), e);
	sodium_memzero(plain, len);
	g_free(sealed);
	g_free(plain);
	return s;
}

static enum status copy_rest(int from, const char *path, struct error *e)
{
	uint8_t piece[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = 0;
	enum status s = fd < 0 ? io_failed(path, e) : STATUS_OK;

	while (!s && (n = read(from, piece, sizeof(piece))) > 0)
		if (write(fd, piece, (size_t)n) != n)
			s = io_failed(path, e);
	if (!s && (n < 0 || fsync(fd) != 0))
		s = io_failed(path, e);
	if (fd >= 0)
		close(fd);
	return s;
}

static enum status key_write(const char *dir, const uint8_t key[MASTER_KEY_BYTES], struct error *e)
{
	char *path = home_path(dir, "master.key");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	enum status s = STATUS_OK;

	if (fd < 0 && errno != EEXIST)
		s = io_failed(path, e);
	if (fd >= 0 && (write(fd, key, MASTER_KEY_BYTES) != MASTER_KEY_BYTES || fsync(fd) != 0))
		s = io_failed(path, e);
	if (fd >= 0)
		close(fd);
	g_free(path);
	return s;
}

static enum status restore_files(
	int fd, const struct cmd_args *a, const char *made, struct error *e)
{
	uint8_t key[MASTER_KEY_BYTES];
	char *file = home_path(made, HOME_STORE_FILE);
	enum status s = key_of(a->dir, a, key, e);

	if (s && !a->key_file)
		s = error_set(e, STATUS_USAGE, "--key-file names the master key of the backup");
	if (!s && g_mkdir_with_parents(made, 0700) != 0)
		s = io_failed(made, e);
	if (!s)
		s = header_take(fd, a->dir, key, e);
	if (!s)
		s = copy_rest(fd, file, e);
	if (!s)
		s = key_write(a->dir, key, e);
	sodium_memzero(key, sizeof(key));
	g_free(file);
	return s;
}

/* Good only when it was verified and has its name. */
static int restore_verify(const struct cmd_args *a, const char *made, struct error *e)
{
	struct home_options o = { .dir = a->dir, .store = made, .read_only = true };
	char *store = home_path(a->dir, "store");
	char *lock = home_path(made, "lock.mdb");
	int code = home_check(&o);

	unlink(lock);
	if (!code && rename(made, store) != 0)
		io_failed(store, e);
	g_free(lock);
	g_free(store);
	return code;
}

static int restore(const struct cmd_args *a)
{
	char *made = home_path(a->dir, "store.restore");
	int fd = open(a->file, O_RDONLY | O_CLOEXEC);
	struct error e;
	int code = 0;
	enum status s = STATUS_OK;

	error_init(&e);
	if (fd < 0)
		s = io_failed(a->file, &e);
	else if (home_has_store(a->dir))
		s = error_reason(&e, STATUS_CONFLICT, "refused",
			"there is a store in \"%s\" already", a->dir);
	if (!s) {
		store_remove(made);
		s = restore_files(fd, a, made, &e);
	}
	if (!s)
		code = restore_verify(a, made, &e);
	if (s || code || e.status)
		store_remove(made);
	if (fd >= 0)
		close(fd);
	g_free(made);
	return e.status ? cmd_failed(&e) : code;
}

const struct cmd cmd_backup = {
	.name = "backup",
	.usage = "-D DIR FILE",
	.help = "writes a consistent copy, while serving too; the master key is not in it",
	.options = "dir",
	.needs_dir = true,
	.needs_file = true,
	.run = backup,
};

const struct cmd cmd_restore = {
	.name = "restore",
	.usage = "FILE -D NEWDIR [--key-file FILE [--password-file FILE|-]]",
	.help = "restores a backup into an empty place and verifies it",
	.options = "dir key-file password-file",
	.needs_dir = true,
	.needs_file = true,
	.run = restore,
};
