/* The operations, run as the dispatcher runs them but in one write transaction. */
#ifndef TESTS_UNIT_OP_BENCH_H
#define TESTS_UNIT_OP_BENCH_H

#include "server/call/dispatch.h"
#include "server/call/rights.h"
#include "server/op/jobs.h"
#include "server/op/op.h"
#include "server/server.h"
#include "tests/unit/model_bench.h"
#include <glib.h>

struct firm {
	struct bench *b;
	struct server server;
	struct caller *admin, *sales;
	uint64_t hz;
	int64_t now_ms; /* of the calls */
	struct error e;
};

/* One request; the reply lives until done() */
struct ask {
	struct call *call;
	enum status status;
	Guanxi__Reply *reply;
};

static inline int setup(void **state)
{
	struct firm *f = calloc(1, sizeof(*f));
	uint64_t user;

	assert_non_null(f);
	f->b = bench_open();
	error_init(&f->e);
	f->server.store = f->b->store;
	f->server.schema = f->b->schema;
	f->server.clock = clock_new(NULL);
	f->server.dir = f->b->path;
	f->now_ms = NOW_MS;
	store_guard(f->b->store, jobs_guard, NULL);
	f->hz = bench_add(f->b, "branch", "code=hz|name=杭州");
	user = bench_add(f->b, "user", "username=wang|name=王小明|roles=sales|branch=hz");
	assert_int_equal(caller_load(f->b->txn, f->b->admin, 1, &f->admin, &f->e), STATUS_OK);
	assert_int_equal(caller_load(f->b->txn, user, 2, &f->sales, &f->e), STATUS_OK);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct firm *f = *state;

	caller_free(&f->admin);
	caller_free(&f->sales);
	clock_free(&f->server.clock);
	error_clear(&f->e);
	bench_close(f->b);
	free(f);
	return 0;
}

static inline Guanxi__Pair **pairs_of(struct arena *a, const char *text, size_t *n)
{
	char **parts = g_strsplit(text, "|", 0);
	Guanxi__Pair **list;

	*n = *text ? g_strv_length(parts) : 0;
	list = arena_calloc(a, *n + 1, sizeof(*list));
	for (size_t i = 0; i < *n; i++) {
		char *eq = strchr(parts[i], '=');
		assert_non_null(eq);
		list[i] = arena_alloc(a, sizeof(**list));
		guanxi__pair__init(list[i]);
		list[i]->name = pb_from(arena_copy(a, bytes_of(parts[i], (size_t)(eq - parts[i]))));
		list[i]->has_value = true;
		list[i]->value = pb_from(arena_copy(a, bytes_str(eq + 1)));
	}
	g_strfreev(parts);
	return list;
}

static inline ProtobufCBinaryData *texts_of(struct arena *a, const char *text, size_t *n)
{
	char **parts = g_strsplit(text, "|", 0);
	ProtobufCBinaryData *list;

	*n = *text ? g_strv_length(parts) : 0;
	list = arena_calloc(a, *n + 1, sizeof(*list));
	for (size_t i = 0; i < *n; i++)
		list[i] = pb_from(arena_copy(a, bytes_str(parts[i])));
	g_strfreev(parts);
	return list;
}

/* A request with what most have; the caller may add to it before go(). */
static inline Guanxi__Request *request(const char *op, const char *entity, const char *records,
	const char *set, const char *args, struct arena **arena)
{
	Guanxi__Request *r;

	*arena = arena_new(16u << 20);
	r = arena_alloc(*arena, sizeof(*r));
	guanxi__request__init(r);
	r->id = 1;
	r->op = pb_from(bytes_str(op));
	r->has_entity = *entity != 0;
	r->entity = pb_from(bytes_str(entity));
	r->record = texts_of(*arena, records, &r->n_record);
	r->set = pairs_of(*arena, set, &r->n_set);
	r->arg = pairs_of(*arena, args, &r->n_arg);
	return r;
}

static inline struct ask go(
	struct firm *f, const struct caller *who, Guanxi__Request *r, struct arena *arena)
{
	struct ask a = { .call = call_new(&f->server, arena, r) };
	const struct op *op = op_find(pb_bytes(r->op));

	assert_non_null(op);
	error_clear(&f->e);
	a.call->caller = who;
	call_bind(a.call, f->b->txn);
	a.call->now_ms = f->now_ms;
	a.call->author =
		(struct author){ .user = who->user, .session = who->session, .now_ms = f->now_ms };
	a.status = op->run(a.call, &f->e);
	a.reply = a.call->reply;
	return a;
}

static inline struct ask ask(struct firm *f, const struct caller *who, const char *op,
	const char *entity, const char *records, const char *set, const char *args)
{
	struct arena *arena;
	Guanxi__Request *r = request(op, entity, records, set, args, &arena);

	return go(f, who, r, arena);
}

static inline void done(struct ask *a)
{
	call_free(&a->call);
}

static inline void expect(struct firm *f, struct ask *a, enum status want)
{
	if (a->status != want)
		fail_msg("status %d, wanted %d: %s; %s %s", a->status, want, f->e.message,
			f->e.nfields ? f->e.fields[0].field : "",
			f->e.nfields ? f->e.fields[0].message : "");
}

static inline uint64_t add(
	struct firm *f, const struct caller *who, const char *entity, const char *set)
{
	struct ask a = ask(f, who, "record.add", entity, "", set, "");
	uint64_t id;

	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_record, 1);
	assert_true(a.reply->operation > 0);
	id = a.reply->record[0]->id;
	done(&a);
	return id;
}

static inline const char *id_text(char text[24], uint64_t id)
{
	snprintf(text, 24, "%llu", (unsigned long long)id);
	return text;
}

static inline struct bytes value(const struct firm *f, const Guanxi__Record *r, const char *field)
{
	const struct entity *en = schema_entity_by_number(f->b->schema, (uint16_t)r->entity);

	return record_text(pb_bytes(r->fields), entity_field_named(en, field)->tag);
}

static inline uint64_t set(struct firm *f, const char *id, const char *values)
{
	struct ask a = ask(f, f->sales, "record.set", "customer", id, values, "");
	uint64_t operation;

	expect(f, &a, STATUS_OK);
	operation = a.reply->operation;
	done(&a);
	return operation;
}

static inline enum status undo(
	struct firm *f, const struct caller *who, uint64_t operation, uint64_t *undone)
{
	char arg[48];
	struct ask a;
	enum status s;

	snprintf(arg, sizeof(arg), "operation=%llu", (unsigned long long)operation);
	a = ask(f, who, "operation.undo", "", "", "", arg);
	s = a.status;
	if (undone)
		*undone = a.reply->operation;
	done(&a);
	return s;
}

static inline struct ask import_as(struct firm *f, const struct caller *who, const char *columns,
	const char *args, const char *const *rows, size_t n, bool dry)
{
	struct arena *arena;
	Guanxi__Request *r = request("import.rows", "customer", "", "", args, &arena);

	r->column = texts_of(arena, columns, &r->n_column);
	r->row = arena_calloc(arena, n, sizeof(*r->row));
	r->n_row = n;
	r->has_dry_run = r->dry_run = dry;
	for (size_t i = 0; i < n; i++) {
		r->row[i] = arena_alloc(arena, sizeof(**r->row));
		guanxi__row__init(r->row[i]);
		r->row[i]->cell = texts_of(arena, rows[i], &r->row[i]->n_cell);
		r->row[i]->has_line = true;
		r->row[i]->line = i + 2;
	}
	return go(f, who, r, arena);
}

static inline struct ask import(struct firm *f, const char *columns, const char *args,
	const char *const *rows, size_t n, bool dry)
{
	return import_as(f, f->admin, columns, args, rows, n, dry);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
