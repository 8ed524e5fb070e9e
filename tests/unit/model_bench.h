/* A store filled as guanxid init does, and short ways to add, change and read records through the model. */
#ifndef TESTS_UNIT_MODEL_BENCH_H
#define TESTS_UNIT_MODEL_BENCH_H

#include "common/text.h"
#include "server/model/model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define NOW_MS INT64_C(1795257000000) /* 2026-11-21 */
#define TODAY 20261121

struct bench {
	char path[64];
	struct schema *schema;
	struct store *store;
	struct txn *txn;
	struct author author;
	struct arena *arena;
	struct lookup *lookup;
	struct scope scope;
	uint64_t admin;
	uint64_t user, branch; /* who asks */
	struct error e;        /* of the last call */
};

static inline enum status bench_observe(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	return model_after(t, author, entity, before, after, e);
}

static inline struct bench *bench_open(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	memcpy(b->path, "/tmp/model_test.XXXXXX", 23);
	assert_non_null(mkdtemp(b->path));
	error_init(&b->e);
	assert_int_equal(model_schema(&b->schema, &b->e), STATUS_OK);
	char store[80];
	snprintf(store, sizeof(store), "%s/store", b->path);
	struct store_options o = {
		.path = store, .map_size = UINT64_C(4) << 30, .create = true, .schema = b->schema
	};
	assert_int_equal(store_open(&o, &b->store, &b->e), STATUS_OK);
	store_observe(b->store, bench_observe, NULL);
	assert_int_equal(txn_begin(b->store, true, &b->txn, &b->e), STATUS_OK);
	b->author.now_ms = NOW_MS;
	assert_int_equal(store_operation(b->txn, &b->author.operation, &b->e), STATUS_OK);
	if (model_fill(b->txn, &b->author, "root", &b->admin, &b->e))
		fail_msg("model_fill: %s %s", b->e.message,
			b->e.nfields ? b->e.fields[0].message : "");
	b->user = b->author.user = b->admin;
	b->branch = 1;
	b->arena = arena_new(64u << 20);
	b->scope = scope_all;
	b->scope.trash_too = false;
	b->lookup = lookup_new(b->txn, &b->scope, b->schema, false, b->arena);
	return b;
}

static inline void bench_close(struct bench *b)
{
	char file[128];

	lookup_free(&b->lookup);
	arena_free(&b->arena);
	txn_abort(&b->txn);
	store_close(&b->store);
	schema_free(&b->schema);
	error_clear(&b->e);
	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/store/%s", b->path, i ? "lock.mdb" : "data.mdb");
		unlink(file);
	}
	snprintf(file, sizeof(file), "%s/store", b->path);
	rmdir(file);
	rmdir(b->path);
	free(b);
}

static inline const struct entity *bench_entity(const struct bench *b, const char *name)
{
	const struct entity *en = schema_entity(b->schema, bytes_str(name));

	assert_non_null(en);
	return en;
}

/* A call of its own: nothing remembered, a new operation. */
static inline void bench_call(struct bench *b)
{
	lookup_free(&b->lookup);
	b->lookup = lookup_new(b->txn, &b->scope, b->schema, false, b->arena);
	error_clear(&b->e);
	assert_int_equal(store_operation(b->txn, &b->author.operation, &b->e), STATUS_OK);
}

static inline enum status bench_get(
	struct bench *b, const char *entity, uint64_t id, struct buf *room, struct stored *out)
{
	return store_get(b->txn, &scope_all, bench_entity(b, entity), id, room, out, &b->e);
}

/* "field=value field=value ..." with | between them; parses and checks as an op does. */
static inline enum status bench_check(struct bench *b, const struct entity *en,
	const struct stored *before, uint64_t id, const char *values, struct buf *out)
{
	struct parse_context ctx = lookup_parse_context(b->lookup, TODAY, NULL);
	struct buf patch = BUF_INIT, sorted = BUF_INIT, whole = BUF_INIT;
	uint32_t cleared[16];
	size_t ncleared = 0;
	enum status parsed = STATUS_OK, s;

	while (*values) {
		size_t name = strcspn(values, "="), len = strcspn(values + name + 1, "|");
		const struct field *f = entity_field(en, bytes_of(values, name));
		size_t was = patch.len;
		assert_non_null(f);
		if (type_parse(f, bytes_of(values + name + 1, len), &ctx, &patch, &b->e))
			parsed = STATUS_INVALID;
		else if (patch.len == was)
			cleared[ncleared++] = f->tag;
		values += name + 1 + len;
		values += *values == '|';
	}
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(before ? before->fields : bytes_of("", 0), buf_bytes(&sorted), cleared,
		ncleared, &whole);
	struct model_write w = { .txn = b->txn,
		.author = &b->author,
		.scope = &b->scope,
		.lookup = b->lookup,
		.user = b->user,
		.branch = b->branch,
		.today = TODAY,
		.entity = en,
		.before = before,
		.id = id };
	s = model_check(&w, buf_bytes(&whole), out, &b->e);
	buf_free(&patch);
	buf_free(&sorted);
	buf_free(&whole);
	return s ? s : parsed;
}

/* Adds a record, or changes the one with this id. */
static inline enum status bench_put(
	struct bench *b, const char *entity, uint64_t *id, const char *values)
{
	const struct entity *en = bench_entity(b, entity);
	struct buf room = BUF_INIT, out = BUF_INIT;
	struct stored before;
	enum status s = STATUS_OK;
	bool add = *id == 0;

	bench_call(b);
	if (!add)
		s = bench_get(b, entity, *id, &room, &before);
	if (!s)
		s = bench_check(b, en, add ? NULL : &before, *id, values, &out);
	if (!s)
		s = store_put(b->txn, &b->author, en, id, add ? "add" : "set", buf_bytes(&out),
			NULL, &b->e);
	buf_free(&room);
	buf_free(&out);
	return s;
}

static inline uint64_t bench_add(struct bench *b, const char *entity, const char *values)
{
	uint64_t id = 0;

	if (bench_put(b, entity, &id, values))
		fail_msg("add %s %s: %s; %s %s", entity, values, b->e.message,
			b->e.nfields ? b->e.fields[0].field : "",
			b->e.nfields ? b->e.fields[0].message : "");
	return id;
}

static inline void bench_set(struct bench *b, const char *entity, uint64_t id, const char *values)
{
	if (bench_put(b, entity, &id, values))
		fail_msg("set %s %s: %s; %s %s", entity, values, b->e.message,
			b->e.nfields ? b->e.fields[0].field : "",
			b->e.nfields ? b->e.fields[0].message : "");
}

static inline void set_setting(struct bench *b, const char *name, const char *value)
{
	const struct entity *en = bench_entity(b, "setting");
	char values[64];
	uint64_t id = 0;

	for (uint64_t i = 1; i < 200 && !id; i++) {
		struct buf room = BUF_INIT;
		struct stored s;
		if (!bench_get(b, "setting", i, &room, &s) &&
			bytes_equal_str(model_text(en, s.fields, "name"), name))
			id = i;
		buf_free(&room);
		error_clear(&b->e);
	}
	snprintf(values, sizeof values, "value=%s", value);
	bench_set(b, "setting", id, values);
}

/* Refused with exactly these bad fields, in any order: "name,email". */
static inline void bench_refused(
	struct bench *b, const char *entity, uint64_t id, const char *values, const char *bad)
{
	size_t n = *bad != 0;

	assert_int_equal(bench_put(b, entity, &id, values), STATUS_INVALID);
	for (const char *p = bad; *p; p++)
		n += *p == ',';
	for (size_t i = 0; i < b->e.nfields; i++)
		if (!strstr(bad, b->e.fields[i].field))
			fail_msg("%s: %s: unexpected: %s %s", entity, values, b->e.fields[i].field,
				b->e.fields[i].message);
	assert_int_equal(b->e.nfields, n);
}

/* A field as scripts see it, "" when not set; valid until the arena is freed. */
static inline const char *bench_text(
	struct bench *b, const char *entity, uint64_t id, const char *field)
{
	const struct entity *en = bench_entity(b, entity);
	const struct field *f = entity_field_named(en, field);
	struct format_context ctx = lookup_format_context(b->lookup, NULL);
	struct buf room = BUF_INIT, out = BUF_INIT;
	struct stored r;
	const char *text;

	assert_non_null(f);
	assert_int_equal(bench_get(b, entity, id, &room, &r), STATUS_OK);
	type_format_run(f, record_run(r.fields, f->tag), FORM_CODE, &ctx, &out);
	text = arena_str(b->arena, buf_bytes(&out));
	buf_free(&room);
	buf_free(&out);
	return text;
}

static inline enum status bench_move(
	struct bench *b, const char *entity, uint64_t id, bool restore, uint64_t *count)
{
	struct model_write w = { .txn = b->txn,
		.author = &b->author,
		.scope = &b->scope,
		.lookup = b->lookup,
		.user = b->user,
		.today = TODAY,
		.entity = bench_entity(b, entity),
		.id = id };

	bench_call(b);
	w.lookup = b->lookup;
	return restore ? model_restore(&w, SIZE_MAX - 1, count, &b->e)
		       : model_delete(&w, SIZE_MAX - 1, count, &b->e);
}

#endif
