/* LMDB below the store. The only file that knows it. Default durability: a commit that returned is on disk. */
#include "server/store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_READERS 256
#define EXIT_DAMAGED 75
#define NO_ROOM (1u << 20) /* bytes left on a disk that could not take a whole write */

struct engine {
	MDB_env *env;
	MDB_dbi dbi[SPACE_COUNT];
	bool absent[SPACE_COUNT]; /* read only: the store is older than the space */
};

struct engine_txn {
	struct engine *engine;
	MDB_txn *txn;
};

struct engine_cursor {
	MDB_cursor *cursor; /* NULL: of an absent space */
};

const char *const space_names[SPACE_COUNT] = {
	[SPACE_META] = "meta",
	[SPACE_REC] = "rec",
	[SPACE_CALC] = "calc",
	[SPACE_IDX] = "idx",
	[SPACE_UNIQ] = "uniq",
	[SPACE_TERM] = "term",
	[SPACE_PEND] = "pend",
	[SPACE_LOG] = "log",
	[SPACE_BODY] = "body",
	[SPACE_HIST] = "hist",
	[SPACE_OPER] = "oper",
	[SPACE_DUE] = "due",
	[SPACE_PLAN] = "plan",
	[SPACE_INBOX] = "inbox",
	[SPACE_AUTH] = "auth",
	[SPACE_IDEM] = "idem",
	[SPACE_MOVED] = "moved",
	[SPACE_NEXT] = "next",
	[SPACE_FILE] = "file",
	[SPACE_OUTBOX] = "outbox",
};

static MDB_val val_of(struct bytes b)
{
	return (MDB_val){ b.len, (void *)b.data };
}

static struct bytes bytes_of_val(MDB_val v)
{
	return bytes_of(v.mv_data, v.mv_size);
}

static bool means_full(int rc)
{
	return rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT;
}

static enum status failed(int rc, const char *what, struct error *e)
{
	if (means_full(rc))
		return error_set(e, STATUS_STORAGE_FULL, "storage is full: nothing was written");
	if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID ||
		rc == MDB_INCOMPATIBLE || rc == MDB_BAD_DBI || rc == MDB_BAD_TXN)
		return error_reason(e, STATUS_INTERNAL, "damaged", "store is damaged: %s: %s", what,
			mdb_strerror(rc));
	if (rc == EIO || rc == MDB_PANIC)
		return error_reason(e, STATUS_INTERNAL, "disk_failed", "disk failed: %s: %s", what,
			mdb_strerror(rc));
	return error_set(e, STATUS_INTERNAL, "%s: %s", what, mdb_strerror(rc));
}

/*
 * LMDB calls a write that the disk took only in part EIO. With next to nothing free it was the lack of room, and as long as the last
 * transaction of the file is an older one nothing of this one stands.
 */
static int lack_of_room(MDB_env *env, size_t transaction, int rc)
{
	struct statvfs fs;
	MDB_envinfo info;
	int fd;

	if (rc != EIO || mdb_env_get_fd(env, &fd) != 0 || fstatvfs(fd, &fs) != 0 ||
		mdb_env_info(env, &info) != 0)
		return rc;
	return info.me_last_txnid < transaction && (uint64_t)fs.f_bavail * fs.f_frsize < NO_ROOM
		       ? ENOSPC
		       : rc;
}

static enum status write_failed(
	const struct engine_txn *t, int rc, const char *what, struct error *e)
{
	return failed(lack_of_room(t->engine->env, mdb_txn_id(t->txn), rc), what, e);
}

/* A broken page found by LMDB itself: never go on, never abort with a core full of personal data. */
static void broken(MDB_env *env, const char *what)
{
	static const char line[] = "damaged store: the engine found a broken page\n";

	(void)env;
	(void)what;
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(EXIT_DAMAGED);
	_exit(EXIT_DAMAGED);
}

/* LMDB opens the data file twice and marks neither descriptor. */
static void close_on_exec(MDB_env *env)
{
	struct stat data, other;
	int fd;

	if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &data) != 0)
		return;
	for (int i = 0; i <= fd + 8; i++)
		if (fstat(i, &other) == 0 && other.st_dev == data.st_dev &&
			other.st_ino == data.st_ino)
			fcntl(i, F_SETFD, FD_CLOEXEC);
}

static int open_spaces(struct engine *en, bool read_only)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(en->env, NULL, read_only ? MDB_RDONLY : 0, &txn);

	for (int i = 0; rc == 0 && i < SPACE_COUNT; i++) {
		rc = mdb_dbi_open(txn, space_names[i], read_only ? 0 : MDB_CREATE, &en->dbi[i]);
		if (rc == MDB_NOTFOUND && i > SPACE_NEXT) {
			en->absent[i] = true;
			rc = 0;
		}
		if (rc) {
			mdb_txn_abort(txn);
			return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
		}
	}
	return rc ? rc : mdb_txn_commit(txn);
}

static int open_env(struct engine *en, const char *path, uint64_t map_size, bool read_only)
{
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (read_only ? MDB_RDONLY : 0);
	int stale, rc = mdb_env_create(&en->env);

	if (rc)
		return rc;
	rc = mdb_env_set_maxdbs(en->env, SPACE_COUNT);
	if (!rc)
		rc = mdb_env_set_maxreaders(en->env, MAX_READERS);
	if (!rc)
		rc = mdb_env_set_mapsize(en->env, map_size);
	if (!rc)
		rc = mdb_env_set_assert(en->env, broken);
	if (!rc)
		rc = mdb_env_open(en->env, path, flags, 0600);
	if (!rc)
		rc = mdb_reader_check(en->env, &stale);
	return rc;
}

static void lmdb_close(struct engine **en)
{
	if (!en || !*en)
		return;
	if ((*en)->env)
		mdb_env_close((*en)->env);
	free(*en);
	*en = NULL;
}

static enum status lmdb_open(
	const char *path, uint64_t map_size, bool read_only, struct engine **out, struct error *e)
{
	struct engine *en = calloc(1, sizeof(*en));
	int rc = en ? open_env(en, path, map_size, read_only) : ENOMEM;

	if (!rc) {
		close_on_exec(en->env);
		rc = open_spaces(en, read_only);
	}
	if (rc) {
		lmdb_close(&en);
		return failed(rc, "cannot open the store", e);
	}
	*out = en;
	return STATUS_OK;
}

static enum status lmdb_begin(
	struct engine *en, bool write, struct engine_txn **out, struct error *e)
{
	struct engine_txn *t = malloc(sizeof(*t));
	int rc = t ? mdb_txn_begin(en->env, NULL, write ? 0 : MDB_RDONLY, &t->txn) : ENOMEM;

	if (rc == MDB_READERS_FULL) {
		int stale;
		mdb_reader_check(en->env, &stale);
		rc = mdb_txn_begin(en->env, NULL, MDB_RDONLY, &t->txn);
	}
	if (rc) {
		free(t);
		return failed(rc, "cannot begin a transaction", e);
	}
	t->engine = en;
	*out = t;
	return STATUS_OK;
}

static enum status lmdb_commit(struct engine_txn **t, struct error *e)
{
	MDB_env *env = (*t)->engine->env;
	size_t transaction = mdb_txn_id((*t)->txn);
	int rc = lack_of_room(env, transaction, mdb_txn_commit((*t)->txn));

	free(*t);
	*t = NULL;
	if (rc == 0)
		return STATUS_OK;
	if (means_full(rc))
		return failed(rc, "cannot commit", e);
	return error_reason(e, STATUS_OUTCOME_UNKNOWN, "disk_failed",
		"disk failed while writing: %s", mdb_strerror(rc));
}

static void lmdb_abort(struct engine_txn **t)
{
	if (!t || !*t)
		return;
	mdb_txn_abort((*t)->txn);
	free(*t);
	*t = NULL;
}

static void lmdb_reset(struct engine_txn *t)
{
	mdb_txn_reset(t->txn);
}

static enum status lmdb_renew(struct engine_txn *t, struct error *e)
{
	int rc = mdb_txn_renew(t->txn);
	return rc ? failed(rc, "cannot renew a snapshot", e) : STATUS_OK;
}

static enum status lmdb_get(
	struct engine_txn *t, enum space s, struct bytes key, struct bytes *value, struct error *e)
{
	MDB_val k = val_of(key), v;
	int rc = t->engine->absent[s] ? MDB_NOTFOUND : mdb_get(t->txn, t->engine->dbi[s], &k, &v);

	if (rc == MDB_NOTFOUND)
		return STATUS_NOT_FOUND;
	if (rc)
		return failed(rc, "cannot read", e);
	*value = bytes_of_val(v);
	return STATUS_OK;
}

static enum status lmdb_put(
	struct engine_txn *t, enum space s, struct bytes key, struct bytes value, struct error *e)
{
	MDB_val k = val_of(key), v = val_of(value);
	int rc = mdb_put(t->txn, t->engine->dbi[s], &k, &v, 0);

	return rc ? write_failed(t, rc, "cannot write", e) : STATUS_OK;
}

static enum status lmdb_del(struct engine_txn *t, enum space s, struct bytes key, struct error *e)
{
	MDB_val k = val_of(key);
	int rc = mdb_del(t->txn, t->engine->dbi[s], &k, NULL);

	if (rc == MDB_NOTFOUND)
		return STATUS_NOT_FOUND;
	return rc ? write_failed(t, rc, "cannot delete", e) : STATUS_OK;
}

static enum status lmdb_cursor(
	struct engine_txn *t, enum space s, struct engine_cursor **out, struct error *e)
{
	struct engine_cursor *c = calloc(1, sizeof(*c));
	int rc = c ? 0 : ENOMEM;

	if (c && !t->engine->absent[s])
		rc = mdb_cursor_open(t->txn, t->engine->dbi[s], &c->cursor);

	if (rc) {
		free(c);
		return failed(rc, "cannot open a cursor", e);
	}
	*out = c;
	return STATUS_OK;
}

static void lmdb_cursor_close(struct engine_cursor **c)
{
	if (!c || !*c)
		return;
	if ((*c)->cursor)
		mdb_cursor_close((*c)->cursor);
	free(*c);
	*c = NULL;
}

static enum status step(struct engine_cursor *c, MDB_val *k, MDB_cursor_op op, struct bytes *key,
	struct bytes *value)
{
	MDB_val v;
	int rc = c->cursor ? mdb_cursor_get(c->cursor, k, &v, op) : MDB_NOTFOUND;

	if (rc == MDB_NOTFOUND)
		return STATUS_NOT_FOUND;
	if (rc)
		return STATUS_INTERNAL;
	*key = bytes_of_val(*k);
	*value = bytes_of_val(v);
	return STATUS_OK;
}

static enum status lmdb_seek(
	struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v)
{
	MDB_val at = val_of(key);

	return step(c, &at, key.len ? MDB_SET_RANGE : MDB_FIRST, k, v);
}

static enum status lmdb_seek_before(
	struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v)
{
	MDB_val at = val_of(key);

	if (!key.len)
		return step(c, &at, MDB_LAST, k, v);
	enum status s = step(c, &at, MDB_SET_RANGE, k, v);
	if (s == STATUS_NOT_FOUND)
		return step(c, &at, MDB_LAST, k, v);
	return s ? s : step(c, &at, MDB_PREV, k, v);
}

static enum status lmdb_next(struct engine_cursor *c, struct bytes *k, struct bytes *v)
{
	MDB_val at;
	return step(c, &at, MDB_NEXT, k, v);
}

static enum status lmdb_prev(struct engine_cursor *c, struct bytes *k, struct bytes *v)
{
	MDB_val at;
	return step(c, &at, MDB_PREV, k, v);
}

static enum status lmdb_backup(struct engine *en, int fd, struct error *e)
{
	int rc = mdb_env_copyfd2(en->env, fd, MDB_CP_COMPACT);

	if (rc == 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		rc = errno;
	if (means_full(rc))
		return error_set(e, STATUS_STORAGE_FULL, "no room for the backup");
	return rc ? failed(rc, "cannot write the backup", e) : STATUS_OK;
}

static void lmdb_stat(struct engine *en, enum space s, uint64_t *used, uint64_t *map,
	uint64_t *entries, uint64_t *bytes)
{
	MDB_envinfo info;
	MDB_stat st = { 0 };
	MDB_txn *txn;

	mdb_env_info(en->env, &info);
	mdb_env_stat(en->env, &st);
	*used = (info.me_last_pgno + 1) * st.ms_psize;
	*map = info.me_mapsize;
	*entries = *bytes = 0;
	if (s >= SPACE_COUNT || en->absent[s] || mdb_txn_begin(en->env, NULL, MDB_RDONLY, &txn))
		return;
	if (mdb_stat(txn, en->dbi[s], &st) == 0) {
		*entries = st.ms_entries;
		*bytes = (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) *
			 (uint64_t)st.ms_psize;
	}
	mdb_txn_abort(txn);
}

const struct engine_ops engine_lmdb = {
	.name = "lmdb",
	.open = lmdb_open,
	.close = lmdb_close,
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.abort = lmdb_abort,
	.reset = lmdb_reset,
	.renew = lmdb_renew,
	.get = lmdb_get,
	.put = lmdb_put,
	.del = lmdb_del,
	.cursor = lmdb_cursor,
	.cursor_close = lmdb_cursor_close,
	.seek = lmdb_seek,
	.seek_before = lmdb_seek_before,
	.next = lmdb_next,
	.prev = lmdb_prev,
	.backup = lmdb_backup,
	.stat = lmdb_stat,
};
