/* Opening, making and closing a store. */
#include "server/store/places.h"
#include "server/store/reindex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char format_key[] = "format";

/* The meta row that says how everything else is laid out: format u16, engine's name. */
static enum status write_format(struct store *s, struct error *e)
{
	struct buf value = BUF_INIT;
	struct txn *t;
	enum status status = txn_begin(s, true, &t, e);

	if (status)
		return status;
	buf_add_u16(&value, STORE_FORMAT);
	buf_add_str(&value, s->ops->name);
	status = txn_put(t, SPACE_META, bytes_str(format_key), buf_bytes(&value), e);
	if (!status)
		status = reindex_sign(t, e);
	buf_free(&value);
	if (!status)
		return txn_commit(&t, e);
	txn_abort(&t);
	return status;
}

enum status store_check_format(struct txn *t, struct error *e)
{
	struct buf value = BUF_INIT;
	struct bytes in;
	uint16_t format = 0;
	enum status status = txn_get(t, SPACE_META, bytes_str(format_key), &value, e);

	in = buf_bytes(&value);
	if (status == STATUS_NOT_FOUND)
		status = error_reason(e, STATUS_INTERNAL, "damaged", "store has no format row");
	else if (status)
		error_prefix(e, "wrong master key or damaged store");
	else if (!take_u16(&in, &format) || format != STORE_FORMAT)
		status = error_set(e, STATUS_INTERNAL,
			"store has format %u, this program knows %d only", format, STORE_FORMAT);
	buf_free(&value);
	return status;
}

static enum status fsync_folder(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return error_set(
			e, STATUS_INTERNAL, "cannot sync \"%s\": %s", path, strerror(errno));
	return STATUS_OK;
}

void store_remove(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static enum status open_engine(
	struct store *s, const struct store_options *o, const char *path, struct error *e)
{
	return s->ops->open(path, o->map_size, o->read_only, &s->engine, e);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static enum status move_in_place(const char *made, const char *path, struct error *e)
{
	char *parent = parent_of(path);
	enum status status = fsync_folder(made, e);

	if (!status && rename(made, path) != 0)
		status = error_set(e, STATUS_INTERNAL, "cannot make \"%s\": %s", path,
			errno == ENOTEMPTY || errno == EEXIST ? "it is there already"
							      : strerror(errno));
	if (!status)
		status = fsync_folder(parent, e);
	free(parent);
	return status;
}

/* A new store is made beside its place and moved there whole: a power cut leaves none or all of it. */
static enum status create(struct store *s, const struct store_options *o, struct error *e)
{
	struct buf made = BUF_INIT;
	enum status status;

	buf_printf(&made, "%s.new", o->path);
	store_remove(buf_str(&made)); /* what a creation that was cut off has left */
	rmdir(o->path);
	if (access(o->path, F_OK) == 0)
		status = error_set(e, STATUS_CONFLICT, "\"%s\" is there already", o->path);
	else if (mkdir(buf_str(&made), 0700) != 0)
		status = error_set(e, STATUS_INTERNAL, "cannot make \"%s\": %s", buf_str(&made),
			strerror(errno));
	else
		status = open_engine(s, o, buf_str(&made), e);
	if (!status)
		status = write_format(s, e);
	s->ops->close(&s->engine);
	if (!status)
		status = move_in_place(buf_str(&made), o->path, e);
	buf_free(&made);
	return status;
}

/* What the rows add to the tables, for all transactions that follow. */
static enum status read_fields(struct store *s, struct txn *t, struct error *e)
{
	struct generation *g;
	enum status status = generation_make(t, &g, e);

	if (status)
		return status;
	atomic_store(&s->field_jobs, g->jobs);
	return generation_publish(s->generations, g, e);
}

static enum status wants_reindex(struct store *s, bool *wanted, struct error *e)
{
	struct txn *t;
	enum status status = txn_begin(s, false, &t, e);

	if (status)
		return status;
	status = reindex_wanted(t, wanted, e);
	txn_abort(&t);
	return status;
}

static enum status fields_anew(struct store *s, struct error *e)
{
	struct txn *t;
	enum status status = txn_begin(s, false, &t, e);

	if (status)
		return status;
	status = read_fields(s, t, e);
	txn_abort(&t);
	return status;
}

static enum status reindex(struct store *s, const struct store_options *o, struct error *e)
{
	struct store_reindexed done = { 0 };

	if (o->reindexing)
		o->reindexing(NULL);
	enum status status = reindex_run(s, &done, e);
	if (!status && o->reindexing)
		o->reindexing(&done);
	if (!status && store_field_jobs(s))
		status = fields_anew(s, e);
	return status;
}

static enum status open_existing(struct store *s, const struct store_options *o, struct error *e)
{
	bool stale = false;
	struct txn *t;
	struct stat st;

	if (stat(o->path, &st) != 0)
		return error_set(e, STATUS_NOT_FOUND, "no store at \"%s\"", o->path);
	enum status status = open_engine(s, o, o->path, e);
	if (!status)
		status = txn_begin(s, false, &t, e);
	if (status)
		return status;
	status = store_check_format(t, e);
	if (!status)
		status = log_open_tail(t, e);
	atomic_store(&s->last_seq, t->log_seq);
	if (!status)
		status = pending_count(t, e);
	if (!status)
		status = read_fields(s, t, e);
	txn_abort(&t);
	if (!status && !o->read_only)
		status = wants_reindex(s, &stale, e);
	return stale && !status ? reindex(s, o, e) : status;
}

static enum status first_generation(struct store *s, struct error *e)
{
	struct generation *g;
	enum status status;

	s->generations = calloc(1, sizeof(*s->generations));
	if (!s->generations)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	status = generation_first(s, &g, e);
	return status ? status : generation_publish(s->generations, g, e);
}

enum status store_open(const struct store_options *o, struct store **out, struct error *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	s->ops = o->engine ? o->engine : &engine_lmdb;
	s->schema = o->schema;
	s->fields = o->fields;
	s->places = places_table_new();
	s->sealer = sealer_new(o->key);
	enum status status = s->sealer ? first_generation(s, e)
				       : error_set(e, STATUS_INTERNAL, "no memory for the key");
	if (!status && o->create)
		status = create(s, o, e);
	if (!status)
		status = open_existing(s, o, e);
	if (status)
		store_close(&s);
	*out = s;
	return status;
}

void store_close(struct store **s)
{
	if (!s || !*s)
		return;
	(*s)->ops->close(&(*s)->engine);
	if ((*s)->generations)
		generations_free((*s)->generations);
	free((*s)->generations);
	places_table_free(&(*s)->places);
	commits_free(&(*s)->commits);
	sealer_free(&(*s)->sealer);
	free(*s);
	*s = NULL;
}

void store_observe(struct store *s, store_observer *fn, void *arg)
{
	s->observer = fn;
	s->observer_arg = arg;
}

void store_guard(struct store *s, store_guard_fn *fn, void *arg)
{
	s->guard = fn;
	s->guard_arg = arg;
}

const struct schema *store_schema(const struct store *s)
{
	return s->schema;
}

uint64_t store_last_seq(const struct store *s)
{
	return atomic_load(&s->last_seq);
}

void store_hash(const struct store *s, const char *purpose, struct bytes in, uint8_t out[16])
{
	seal_hash(s->sealer, purpose, in, out);
}

enum status store_backup(struct store *s, int fd, struct error *e)
{
	return s->ops->backup(s->engine, fd, e);
}

static uint64_t *bytes_of_space(struct store_bytes *b, enum space s)
{
	switch (s) {
	case SPACE_REC:
	case SPACE_CALC:
		return &b->records;
	case SPACE_LOG:
	case SPACE_BODY:
	case SPACE_HIST:
	case SPACE_OPER:
		return &b->history;
	case SPACE_IDX:
	case SPACE_UNIQ:
		return &b->indexes;
	case SPACE_TERM:
	case SPACE_PEND:
		return &b->terms;
	default:
		return &b->rest;
	}
}

struct store_bytes store_bytes(struct store *s)
{
	struct store_bytes b = { 0 };

	for (int i = 0; i < SPACE_COUNT; i++) {
		uint64_t map, entries, bytes;

		s->ops->stat(s->engine, (enum space)i, &b.file, &map, &entries, &bytes);
		*bytes_of_space(&b, (enum space)i) += bytes;
	}
	return b;
}

void store_usage(struct store *s, uint64_t *used, uint64_t *map)
{
	uint64_t entries, bytes;

	s->ops->stat(s->engine, SPACE_META, used, map, &entries, &bytes);
}
