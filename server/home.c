#include "server/home.h"
#include "common/frame.h"
#include "common/tls.h"
#include "server/call/secret.h"
#include "server/log_line.h"
#include "server/model/model.h"
#include "server/remind/cadence.h"
#include "server/remind/remind.h"
#include "server/remind/turn.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_DEFAULT (UINT64_C(64) << 30)

char *home_path(const char *dir, const char *name)
{
	return g_build_filename(dir, name, NULL);
}

/* -1 when another process has it. */
static int lock_take(const char *dir, bool create)
{
	char *path = home_path(dir, "lock");
	int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);

	g_free(path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool home_busy(const char *dir)
{
	char *path = home_path(dir, "lock");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool busy = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

	g_free(path);
	if (fd >= 0)
		close(fd);
	return busy;
}

static enum status observe(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	enum status s = model_after(t, author, entity, before, after, e);

	if (!s)
		s = remind_plan(t, author, entity, before, after, e);
	if (!s)
		s = turn_follow(t, author, entity, before, after, e);
	return s ? s : cadence_follow(arg, t, author, entity, before, after, e);
}

static void reindexing(const struct store_reindexed *done)
{
	if (done)
		log_line(LOG_LEVEL_INFO, "reindex", "state=done records=%llu doubles=%llu",
			(unsigned long long)done->records, (unsigned long long)done->doubles);
	else
		log_line(LOG_LEVEL_INFO, "reindex",
			"state=started why=\"fields or rules of the indexes have changed\"");
}

static enum status home_open_store(const struct home_options *o, struct home *h, struct error *e)
{
	char *store = o->store ? g_strdup(o->store) : home_path(o->dir, "store");
	char *key = home_path(o->dir, "master.key");
	struct store_options so = {
		.path = store,
		.map_size = o->map_size ? o->map_size : MAP_DEFAULT,
		.create = o->create,
		.read_only = o->read_only,
		.schema = h->schema,
		.fields = model_custom_fields,
		.reindexing = reindexing,
	};
	enum status s = master_key_read(key, so.key, e);

	if (!s)
		s = store_open(&so, &h->store, e);
	if (!s)
		store_observe(h->store, observe, h->cadence);
	sodium_memzero(so.key, sizeof(so.key));
	g_free(store);
	g_free(key);
	return s;
}

enum status home_open(const struct home_options *o, struct home *h, struct error *e)
{
	enum status s = STATUS_OK;

	*h = (struct home){ .dir = g_strdup(o->dir), .lock = -1 };
	h->cadence = g_new0(struct cadence_rules *, 1);
	if (!g_file_test(o->dir, G_FILE_TEST_IS_DIR))
		s = error_set(e, STATUS_NOT_FOUND, "no such folder: \"%s\"", o->dir);
	if (!s && !o->read_only) {
		h->lock = lock_take(o->dir, true);
		if (h->lock < 0)
			s = error_set(
				e, STATUS_CONFLICT, "\"%s\" is in use by another process", o->dir);
	}
	if (!s)
		s = model_schema(&h->schema, e);
	if (!s)
		s = home_open_store(o, h, e);
	if (s)
		home_close(h);
	return s;
}

void home_close(struct home *h)
{
	cadence_rules_free(h->cadence);
	g_free(h->cadence);
	h->cadence = NULL;
	if (h->store)
		store_close(&h->store);
	if (h->schema)
		schema_free(&h->schema);
	if (h->lock >= 0)
		close(h->lock);
	h->lock = -1;
	g_free(h->dir);
	h->dir = NULL;
}

/* HOST:PORT of a join line: the first address listened on, with this machine's name for "any". */
static void join_address(const char *dir, struct buf *out)
{
	char *path = home_path(dir, "listen");
	char *text = NULL;
	char *end;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup_printf("localhost:%d\n", DEFAULT_PORT);
	end = strchr(text, '\n');
	if (end)
		*end = 0;
	if (g_str_has_prefix(text, "0.0.0.0:") || g_str_has_prefix(text, "[::]:"))
		buf_printf(out, "%s%s", g_get_host_name(), strrchr(text, ':'));
	else
		buf_add_str(out, text);
	g_free(text);
	g_free(path);
}

enum status home_join_line(const char *dir, const char *code, struct buf *out, struct error *e)
{
	struct authority *authority = NULL;
	char pin[TLS_PIN_SIZE];
	enum status s = authority_open(dir, &authority, e);

	if (s)
		return s;
	authority_pin(authority, pin);
	buf_add_str(out, "guanxi://");
	join_address(dir, out);
	buf_printf(out, "/?pin=sha256:%s&code=%s", pin, code);
	authority_free(&authority);
	return STATUS_OK;
}
