/*
 * The way back of the master key: a copy sealed with a passphrase.
 *
 *   0  13  "guanxi-key 1\n"
 *  13  16  salt of Argon2id (m = 19 MiB, t = 2)
 *  29  24  nonce
 *  53  48  the key in a secretbox
 */
#include "server/cmd_key.h"
#include "server/call/secret.h"
#include "server/cmd.h"
#include "server/home.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sodium.h>
#include <unistd.h>

#define MAGIC "guanxi-key 1\n"
#define SALT_AT (sizeof(MAGIC) - 1)
#define NONCE_AT (SALT_AT + crypto_pwhash_SALTBYTES)
#define BOX_AT (NONCE_AT + crypto_secretbox_NONCEBYTES)
#define SEALED_BYTES (BOX_AT + crypto_secretbox_MACBYTES + MASTER_KEY_BYTES)
#define PASSPHRASE_MIN 12
#define KDF_MEMORY (19u << 20)
#define KDF_TURNS 2

static enum status wrap_key(const char *password_file, const uint8_t *sealed,
	uint8_t key[crypto_secretbox_KEYBYTES], struct error *e)
{
	struct buf word = BUF_INIT;
	enum status s;

	if (!password_file)
		return error_set(e, STATUS_USAGE, "option missing: \"--password-file FILE\"");
	s = cmd_read_line(password_file, &word, e);
	if (!s && word.len < PASSPHRASE_MIN)
		s = error_set(e, STATUS_USAGE, "passphrase is shorter than %d characters",
			PASSPHRASE_MIN);
	if (!s &&
		crypto_pwhash(key, crypto_secretbox_KEYBYTES, (const char *)word.data, word.len,
			sealed + SALT_AT, KDF_TURNS, KDF_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
		s = error_set(e, STATUS_INTERNAL, "cannot derive a key: out of memory");
	if (word.len)
		sodium_memzero(word.data, word.len);
	buf_free(&word);
	return s;
}

enum status key_read_any(
	const char *path, const char *password_file, uint8_t key[MASTER_KEY_BYTES], struct error *e)
{
	uint8_t wrap[crypto_secretbox_KEYBYTES];
	char *text = NULL;
	gsize len = 0;
	const uint8_t *sealed;
	enum status s;

	if (!g_file_get_contents(path, &text, &len, NULL) || len != SEALED_BYTES ||
		memcmp(text, MAGIC, SALT_AT)) {
		g_free(text);
		return master_key_read(path, key, e);
	}
	sealed = (const uint8_t *)text;
	s = wrap_key(password_file, sealed, wrap, e);
	if (!s && crypto_secretbox_open_easy(key, sealed + BOX_AT, SEALED_BYTES - BOX_AT,
			  sealed + NONCE_AT, wrap) != 0)
		s = error_set(e, STATUS_USAGE, "wrong passphrase, or \"%s\" is damaged", path);
	sodium_memzero(wrap, sizeof(wrap));
	g_free(text);
	return s;
}

static enum status file_make(const char *path, const uint8_t *data, size_t len, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool good;

	if (fd < 0)
		return error_reason(
			e, STATUS_INTERNAL, "io", "cannot make \"%s\": %s", path, strerror(errno));
	good = write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
	if (close(fd) != 0 || !good)
		return error_reason(e, STATUS_INTERNAL, "io", "cannot write \"%s\"", path);
	return STATUS_OK;
}

/* For health, which asks until it was done once. */
static void note_exported(const char *dir)
{
	char *path = home_path(dir, KEY_EXPORTED_FILE);

	g_file_set_contents(path, "", 0, NULL);
	g_free(path);
}

static int run(const struct cmd_args *a)
{
	uint8_t key[MASTER_KEY_BYTES], wrap[crypto_secretbox_KEYBYTES], sealed[SEALED_BYTES];
	char *path = home_path(a->dir, "master.key");
	struct error e;
	enum status s;

	error_init(&e);
	memcpy(sealed, MAGIC, SALT_AT);
	randombytes_buf(sealed + SALT_AT, BOX_AT - SALT_AT);
	s = master_key_read(path, key, &e);
	if (!s)
		s = wrap_key(a->password_file, sealed, wrap, &e);
	if (!s) {
		crypto_secretbox_easy(sealed + BOX_AT, key, sizeof(key), sealed + NONCE_AT, wrap);
		s = file_make(a->file, sealed, sizeof(sealed), &e);
	}
	sodium_memzero(key, sizeof(key));
	sodium_memzero(wrap, sizeof(wrap));
	g_free(path);
	if (s)
		return cmd_failed(&e);
	note_exported(a->dir);
	puts("exported; keep the file and its passphrase apart, and neither beside the backups");
	return fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_key_export = {
	.name = "key export",
	.usage = "FILE -D DIR --password-file FILE|-",
	.help = "writes the master key, sealed with a passphrase, for a safe place",
	.options = "dir password-file",
	.needs_dir = true,
	.needs_file = true,
	.run = run,
};
