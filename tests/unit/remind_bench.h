/* The model's bench with reminders: the observer of the server, a clock of its own, and the firing without a writer. */
#ifndef TESTS_UNIT_REMIND_BENCH_H
#define TESTS_UNIT_REMIND_BENCH_H

#include "server/call/box.h"
#include "server/remind/fire.h"
#include "server/remind/inbox.h"
#include "server/server.h"
#include "tests/unit/model_bench.h"
#include <glib.h>

struct remind_bench {
	struct bench *b;
	struct server server;
	char clock_file[80];
	size_t told; /* users woken by the last firing */
};

static inline enum status remind_observe(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	enum status s = model_after(t, author, entity, before, after, e);

	return s ? s : remind_plan(t, author, entity, before, after, e);
}

static inline int64_t instant_of(const char *text)
{
	int64_t ms = 0;

	assert_true(instant_parse(bytes_str(text), zone_find("Asia/Shanghai"), &ms));
	return ms;
}

/* "2026-11-23 09:00" in Shanghai */
static inline void set_now(struct remind_bench *r, const char *text)
{
	struct buf rfc = BUF_INIT;

	r->b->author.now_ms = instant_of(text);
	instant_format(r->b->author.now_ms, &rfc);
	clock_free(&r->server.clock);
	assert_true(g_file_set_contents_full(r->clock_file, (const char *)rfc.data, (gssize)rfc.len,
		G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	r->server.clock = clock_new(r->clock_file);
	buf_free(&rfc);
}

static inline struct remind_bench *remind_open(const char *now)
{
	struct remind_bench *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->b = bench_open();
	store_observe(r->b->store, remind_observe, NULL);
	r->server.store = r->b->store;
	r->server.schema = r->b->schema;
	snprintf(r->clock_file, sizeof r->clock_file, "%s/clock", r->b->path);
	set_now(r, now);
	return r;
}

static inline void remind_close(struct remind_bench **r)
{
	clock_free(&(*r)->server.clock);
	unlink((*r)->clock_file);
	bench_close((*r)->b);
	free(*r);
	*r = NULL;
}

static inline enum status fire_how(struct remind_bench *r, struct fire_how *how)
{
	struct call *c = call_new(&r->server, arena_new(16u << 20), NULL);
	enum status s;

	assert_non_null(c);
	call_bind(c, r->b->txn);
	c->prepared = how;
	error_clear(&r->b->e);
	s = fire_due(c, &r->b->e);
	r->told = c->nwake;
	call_free(&c);
	return s;
}

/* One batch. */
static inline enum status fire_batch(struct remind_bench *r)
{
	return fire_how(r, NULL);
}

/* Fires until nothing is due, as the timer does; returns how many batches it took. */
static inline size_t fire_at(struct remind_bench *r, const char *now)
{
	struct due_row row;
	size_t batches = 0;

	set_now(r, now);
	while (due_read(r->b->txn, r->b->author.now_ms, NULL, &row, 1) == 1) {
		if (fire_batch(r))
			fail_msg("fire: %s", r->b->e.message);
		assert_true(++batches < 1000);
	}
	return batches;
}

/* Open rows of a user's inbox. */
static inline size_t waiting(struct remind_bench *r, uint64_t user)
{
	struct inbox_row rows[64];

	return inbox_read(r->b->txn, user, 0, true, rows, 64);
}

/* The due rows of a record's field as "2026-11-20T01:00:00Z 7, ..." */
static inline const char *planned_text(
	struct remind_bench *r, const char *entity, uint64_t id, const char *field)
{
	const struct entity *en = bench_entity(r->b, entity);
	struct due_row rows[PLAN_MAX];
	size_t n = plan_read(
		r->b->txn, en->number, id, entity_field_named(en, field)->tag, rows, PLAN_MAX);
	struct buf out = BUF_INIT;
	const char *text;

	for (size_t i = 0; i < n; i++) {
		buf_printf(&out, "%s", i ? ", " : "");
		instant_format(rows[i].instant, &out);
		buf_printf(&out, " %u", rows[i].nth);
	}
	text = arena_str(r->b->arena, buf_bytes(&out));
	buf_free(&out);
	return text;
}

#endif
