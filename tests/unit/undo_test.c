/* Undo, at once and as a job of the server; records as they stood. */
#include "tests/unit/op_bench.h"

#define MANY 640

static uint64_t import_many(struct firm *f)
{
	char texts[MANY][64];
	const char *rows[MANY];
	char args[32] = "";
	struct ask a;
	uint64_t operation = 0;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "J-%zu|公司%zu|0571-8%07zu", i, i, i);
		rows[i] = texts[i];
	}
	for (size_t i = 0; i < MANY; i += MANY / 2) {
		a = import(f, "external_id|name|phone", args, rows + i, MANY / 2, false);
		expect(f, &a, STATUS_OK);
		operation = a.reply->operation;
		snprintf(args, sizeof(args), "operation=%llu", (unsigned long long)operation);
		done(&a);
	}
	return operation;
}

static uint64_t count_customers(struct firm *f)
{
	struct ask a = ask(f, f->admin, "record.count", "customer", "", "", "");
	uint64_t n;

	expect(f, &a, STATUS_OK);
	n = a.reply->count;
	done(&a);
	return n;
}

/* One slice, as the server's timer has it run. */
static enum status slice(struct firm *f, const char *failed)
{
	struct job_slice how = { .failed = failed ? STATUS_INTERNAL : STATUS_OK };
	struct call *c = call_new(&f->server, arena_new(16u << 20), NULL);
	enum status s;

	if (failed)
		snprintf(how.message, sizeof(how.message), "%s", failed);
	c->now_ms = c->author.now_ms = NOW_MS;
	c->prepared = &how;
	call_bind(c, f->b->txn);
	error_clear(&f->e);
	s = jobs_slice(c, &f->e);
	call_free(&c);
	return s;
}

static void all_slices(struct firm *f)
{
	while (jobs_next(f->b->txn))
		if (slice(f, NULL))
			fail_msg("a slice failed: %s", f->e.message);
}

static struct ask state_of(struct firm *f, uint64_t operation)
{
	char arg[48];

	snprintf(arg, sizeof(arg), "operation=%llu", (unsigned long long)operation);
	return ask(f, f->admin, "operation.state", "", "", "", arg);
}

static bool says(const Guanxi__Reply *reply, const char *name, const char *want)
{
	for (size_t i = 0; i < reply->n_value; i++)
		if (bytes_equal_str(pb_bytes(reply->value[i]->name), name))
			return bytes_equal_str(pb_bytes(reply->value[i]->value), want);
	return false;
}

static void expect_state(struct firm *f, uint64_t operation, const char *state)
{
	struct ask a = state_of(f, operation);

	expect(f, &a, STATUS_OK);
	if (!says(a.reply, "state", state))
		fail_msg("operation %llu is not %s", (unsigned long long)operation, state);
	done(&a);
}

static uint64_t first_imported(struct firm *f)
{
	struct ask a = ask(f, f->admin, "record.list", "customer", "", "", "");
	uint64_t id;

	expect(f, &a, STATUS_OK);
	id = a.reply->record[a.reply->n_record - 1]->id;
	done(&a);
	return id;
}

static void an_undo_of_many_is_a_job(void **state)
{
	struct firm *f = *state;
	uint64_t operation = import_many(f), job, back;
	char id[24], contact[80];
	struct ask a;

	id_text(id, first_imported(f));
	assert_int_equal(undo(f, f->admin, operation, &job), STATUS_OK);
	assert_int_equal(count_customers(f), MANY);
	expect_state(f, job, "running");
	assert_int_equal(undo(f, f->admin, operation, NULL), STATUS_BUSY);
	assert_int_equal(slice(f, NULL), STATUS_OK);
	a = ask(f, f->admin, "record.set", "customer", id, "city=杭州", "");
	expect(f, &a, STATUS_BUSY); /* by others it is not changed meanwhile */
	done(&a);
	snprintf(contact, sizeof(contact), "name=王|mobile=13800000000|customer=%s", id);
	a = ask(f, f->admin, "record.add", "contact", "", contact, "");
	expect(f, &a, STATUS_BUSY); /* nor referred to */
	done(&a);
	all_slices(f);
	assert_int_equal(count_customers(f), 0);
	expect_state(f, job, "done");
	assert_int_equal(undo(f, f->admin, job, &back), STATUS_OK);
	all_slices(f);
	assert_int_equal(count_customers(f), MANY);
	expect_state(f, job, "undone");
	expect_state(f, back, "done");
	a = ask(f, f->admin, "record.set", "customer", id, "city=杭州", "");
	expect(f, &a, STATUS_OK);
	done(&a);
}

static void a_job_that_cannot_be_done_changes_nothing(void **state)
{
	struct firm *f = *state;
	uint64_t operation = import_many(f), job, later;
	char id[24], why[160];
	struct ask a;

	id_text(id, first_imported(f));
	a = ask(f, f->admin, "record.set", "customer", id, "city=杭州", "");
	later = a.reply->operation;
	done(&a);
	assert_int_equal(undo(f, f->admin, operation, &job), STATUS_OK);
	all_slices(f);
	assert_int_equal(count_customers(f), MANY);
	a = state_of(f, job);
	assert_true(says(a.reply, "state", "refused"));
	assert_true(says(a.reply, "code", "5"));
	snprintf(why, sizeof(why), "customer \"%s\" changed since, by operation %llu", id,
		(unsigned long long)later);
	assert_true(says(a.reply, "why", why));
	done(&a);
}

static void a_job_that_fails_takes_itself_back(void **state)
{
	struct firm *f = *state;
	uint64_t operation = import_many(f), job;
	struct ask a;

	assert_int_equal(undo(f, f->admin, operation, &job), STATUS_OK);
	while (count_customers(f) == MANY)
		assert_int_equal(slice(f, NULL), STATUS_OK);
	assert_true(count_customers(f) > 0); /* in its middle */
	assert_int_equal(slice(f, "the disk has a scratch"), STATUS_OK);
	all_slices(f);
	assert_int_equal(count_customers(f), MANY);
	a = state_of(f, job);
	assert_true(says(a.reply, "state", "refused"));
	assert_true(says(a.reply, "why", "the disk has a scratch"));
	done(&a);
}

/* Random operations, all of them undone newest first: every record stands as at first. */
static void entered_of(struct firm *f, uint64_t id, struct buf *out)
{
	const struct entity *en = bench_entity(f->b, "customer");
	struct buf room = BUF_INIT;
	struct stored r;
	struct bytes rest;
	struct wire_field w;

	assert_int_equal(bench_get(f->b, "customer", id, &room, &r), STATUS_OK);
	rest = r.fields;
	while (record_next(&rest, &w, NULL)) {
		const struct field *field = entity_field_by_tag(en, w.tag);
		if (!(field->flags & (F_COMPUTED | F_VIRTUAL)) && w.tag != TAG_UPDATED_AT &&
			w.tag != TAG_UPDATED_BY)
			buf_add_bytes(out, w.whole);
	}
	buf_free(&room);
}

static uint64_t random_operation(struct firm *f, GRand *dice, uint64_t first, uint64_t n)
{
	static const char *const acts[] = { "record.set", "record.set", "record.delete",
		"record.restore", "record.add" };
	const char *act = acts[g_rand_int_range(dice, 0, G_N_ELEMENTS(acts))];
	char id[24], set[120] = "";
	struct ask a;
	uint64_t operation;

	if (!strcmp(act, "record.add"))
		snprintf(set, sizeof(set), "name=新%d|phone=0571-1%07d",
			g_rand_int_range(dice, 0, 1000000), g_rand_int_range(dice, 0, 1000000));
	else if (!strcmp(act, "record.set"))
		snprintf(set, sizeof(set),
			g_rand_boolean(dice) ? "city=城%d|tags=a,b" : "name=名%d|city=",
			g_rand_int_range(dice, 0, 5));
	id_text(id, first + (uint64_t)g_rand_int_range(dice, 0, (int)n));
	a = ask(f, f->admin, act, "customer", strcmp(act, "record.add") ? id : "", set, "");
	operation = a.status ? 0 : a.reply->operation;
	done(&a);
	return operation;
}

static void all_undone_is_as_at_first(void **state)
{
	enum { RECORDS = 6, ROUNDS = 60 };
	struct firm *f = *state;
	GRand *dice = g_rand_new_with_seed(20261122);
	uint64_t operations[ROUNDS], first = 0, n = 0;
	struct buf before[RECORDS] = { 0 };

	for (size_t i = 0; i < RECORDS; i++) {
		char set[80];
		snprintf(set, sizeof(set), "name=第%zu|phone=0571-2222000%zu|city=杭州", i, i);
		uint64_t id = add(f, f->admin, "customer", set);
		first = first ? first : id;
		entered_of(f, id, &before[i]);
	}
	for (size_t i = 0; i < ROUNDS; i++) {
		uint64_t operation = random_operation(f, dice, first, RECORDS);
		if (operation)
			operations[n++] = operation;
	}
	assert_true(n > ROUNDS / 4);
	while (n > 0)
		assert_int_equal(undo(f, f->admin, operations[--n], NULL), STATUS_OK);
	for (size_t i = 0; i < RECORDS; i++) {
		struct buf after = BUF_INIT;
		entered_of(f, first + i, &after);
		assert_true(bytes_equal(buf_bytes(&before[i]), buf_bytes(&after)));
		buf_free(&after);
		buf_free(&before[i]);
	}
	assert_int_equal(count_customers(f), RECORDS);
	g_rand_free(dice);
}

static void a_record_as_it_stood(void **state)
{
	struct firm *f = *state;
	char id[24];
	struct ask a;

	f->now_ms = NOW_MS;
	id_text(id, add(f, f->sales, "customer", "name=甲|phone=0571-88880000|city=杭州"));
	f->now_ms = NOW_MS + 3600 * 1000;
	set(f, id, "city=绵阳");
	f->now_ms = NOW_MS + 2 * 3600 * 1000;
	a = ask(f, f->sales, "record.delete", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "at=2026-11-21T11:00:00Z");
	expect(f, &a, STATUS_OK);
	assert_true(bytes_equal_str(value(f, a.reply->record[0], "city"), "杭州"));
	assert_int_equal(a.reply->record[0]->version, 1);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "at=2026-11-21T12:00:00Z");
	expect(f, &a, STATUS_OK);
	assert_true(bytes_equal_str(value(f, a.reply->record[0], "city"), "绵阳"));
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "at=2026-11-21T10:29:00Z");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "at=then");
	expect(f, &a, STATUS_USAGE);
	done(&a);
}

/* Deep pages carry the state on, so that all of them together say what one does. */
static void pages_of_history_fit_together(void **state)
{
	struct firm *f = *state;
	char id[24], city[24];
	struct buf one = BUF_INIT, pages = BUF_INIT;
	ProtobufCBinaryData next = { 0 };
	struct arena *arena;
	struct ask a;

	id_text(id, add(f, f->sales, "customer", "name=甲|phone=0571-88880000"));
	for (int i = 0; i < 10; i++) {
		snprintf(city, sizeof(city), i % 3 ? "city=城%d" : "remarks=记%d", i);
		set(f, id, city);
	}
	a = ask(f, f->sales, "record.history", "customer", id, "", "");
	assert_int_equal(a.reply->n_change, 11);
	for (size_t i = 0; i < 11; i++) {
		buf_add_bytes(&one, pb_bytes(a.reply->change[i]->old_fields));
		buf_add_bytes(&one, pb_bytes(a.reply->change[i]->new_fields));
	}
	done(&a);
	for (int page = 0; page < 4; page++) {
		Guanxi__Request *r = request("record.history", "customer", id, "", "", &arena);
		r->has_limit = true;
		r->limit = 3;
		r->has_page = page > 0;
		r->page = pb_from(arena_copy(arena, pb_bytes(next)));
		a = go(f, f->sales, r, arena);
		expect(f, &a, STATUS_OK);
		for (size_t i = 0; i < a.reply->n_change; i++) {
			buf_add_bytes(&pages, pb_bytes(a.reply->change[i]->old_fields));
			buf_add_bytes(&pages, pb_bytes(a.reply->change[i]->new_fields));
		}
		g_free(next.data);
		next.len = a.reply->next.len;
		next.data = g_memdup2(a.reply->next.data, next.len);
		done(&a);
	}
	assert_int_equal(next.len, 0);
	assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&pages)));
	g_free(next.data);
	buf_free(&one);
	buf_free(&pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_undo_of_many_is_a_job),
		TEST(a_job_that_cannot_be_done_changes_nothing),
		TEST(a_job_that_fails_takes_itself_back),
		TEST(all_undone_is_as_at_first),
		TEST(a_record_as_it_stood),
		TEST(pages_of_history_fit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
