/* A store that was made for other fields gets its indexes anew when it is opened, also after that was cut off. */
#include "server/store/posting.h"
#include "tests/fault/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (128u << 20)
#define ROWS_MAX 40
#define TABLES_MAX 8
#define CUSTOMERS 12u
#define MANY 1500u /* need more than one batch */
#define STALE "note: indexes are of another version: start the server once"
#define OK(x) assert_int_equal((x), STATUS_OK)

struct change {
	const char *entity, *field;
	uint32_t with, without; /* flags */
	enum field_class class;
};

static const struct change more[] = {
	{ "customer", "note", F_SEARCH, 0, CLASS_PUBLIC },
	{ "customer", "city", 0, F_INDEXED, CLASS_PUBLIC },
	{ "customer", "phone", F_UNIQUE, F_PERSONAL_IF_PERSON, CLASS_PUBLIC },
	{ "customer", "level", 0, 0, CLASS_SENSITIVE },
	{ "task", "title", F_INDEXED, 0, CLASS_PUBLIC },
	{ NULL, NULL, 0, 0, CLASS_PUBLIC },
};
static const struct change unique_city[] = {
	{ "customer", "city", F_UNIQUE, 0, CLASS_PUBLIC },
	{ NULL, NULL, 0, 0, CLASS_PUBLIC },
};
static const struct change nothing_indexed[] = {
	{ "customer", "note", F_LIST, 0, CLASS_PERSONAL },
	{ NULL, NULL, 0, 0, CLASS_PUBLIC },
};

static struct store_bench b;
static struct field rows[TABLES_MAX][ROWS_MAX];
static unsigned started, ended;
static struct store_reindexed last;
static char said[4096];

static void apply(const struct change *c, const char *entity, struct field *f)
{
	for (; c->entity; c++)
		if (strcmp(c->entity, entity) == 0 && strcmp(c->field, f->name) == 0) {
			f->flags = (f->flags | c->with) & ~c->without;
			f->class = c->class;
		}
}

/* The schema of the bench with fields changed; one at a time. */
static struct schema *altered(const struct change *changes)
{
	struct entity_table tables[TABLES_MAX] = { 0 };
	struct schema *plain = bench_schema(), *out = NULL;
	size_t n = schema_count(plain);

	for (size_t i = 0; i < n; i++) {
		const struct entity *en = schema_at(plain, i);
		size_t k = 0;
		for (size_t j = 0; j < en->nfields; j++) {
			if (en->fields[j].tag >= TAG_EXTERNAL_ID)
				continue;
			rows[i][k] = en->fields[j];
			apply(changes, en->name, &rows[i][k++]);
		}
		rows[i][k] = (struct field){ 0 };
		tables[i] = (struct entity_table){ *en, rows[i] };
	}
	OK(schema_build(tables, n, &out, NULL));
	schema_free(&plain);
	return out;
}

static void on_reindex(const struct store_reindexed *done)
{
	started += !done;
	ended += done != NULL;
	if (done)
		last = *done;
}

static enum status open_store(bool read_only)
{
	struct store_options o = { .path = b.path,
		.map_size = MAP,
		.read_only = read_only,
		.engine = b.ops,
		.schema = b.schema,
		.reindexing = on_reindex };

	memset(o.key, 7, sizeof(o.key));
	started = ended = 0;
	store_close(&b.store);
	return store_open(&o, &b.store, NULL);
}

/* From now on with these fields; NULL: those of the bench. The store is closed. */
static void use(const struct change *changes)
{
	store_close(&b.store);
	schema_free(&b.schema);
	b.schema = changes ? altered(changes) : bench_schema();
	b.customer = schema_entity(b.schema, bytes_str("customer"));
	b.task = schema_entity(b.schema, bytes_str("task"));
}

static void hear(void *arg, const char *text)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

static size_t check(void)
{
	struct txn *t = bench_begin(&b, false);
	struct check_counts counts;

	said[0] = 0;
	size_t n = store_check(t, hear, NULL, &counts) + store_check_tail(t, 1000, hear, NULL);
	txn_abort(&t);
	return n;
}

static void sound(void)
{
	if (check() || said[0])
		fail_msg("%s", said);
}

static void add_task(struct txn *t, const char *title, uint64_t customer)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&fields, TASK_TITLE, bytes_str(title));
	record_add_number(&fields, TASK_CUSTOMER, customer);
	OK(bench_put(&b, t, b.task, &id, "add", &fields, NULL));
	buf_free(&fields);
}

static void set_text(struct txn *t, uint64_t id, uint32_t tag, const char *text, enum status want)
{
	struct buf run = BUF_INIT;

	if (text)
		record_add_text(&run, tag, bytes_str(text));
	assert_int_equal(bench_set(&b, t, b.customer, id, "set", tag, buf_bytes(&run), NULL), want);
	buf_free(&run);
}

/* Customers with all that is derived: notes, tasks, a score, one in the trash. */
static void fill(unsigned n)
{
	struct buf score = BUF_INIT;
	struct txn *t = bench_begin(&b, true);

	for (unsigned i = 1; i <= n; i++)
		bench_add_customer(&b, t, i, 2, 1);
	set_text(t, 3, CUSTOMER_NOTE, "likes bamboo", STATUS_OK);
	record_add_signed(&score, CUSTOMER_SCORE, 77);
	OK(store_put_computed(t, b.customer, 4, buf_bytes(&score), NULL));
	add_task(t, "call back", 5);
	OK(bench_delete(&b, t, b.customer, 6, NULL));
	bench_commit(&t);
	buf_free(&score);
}

static int setup(void **state)
{
	(void)state;
	bench_open(&b, &engine_fault, MAP);
	fill(CUSTOMERS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fault_arm(FAULT_NONE, 0);
	bench_close(&b);
	return 0;
}

static bool count_row(void *arg, const struct stored *record)
{
	(void)record;
	++*(size_t *)arg;
	return true;
}

static size_t found(struct txn *t, const char *text)
{
	struct bytes none = { 0 };
	struct buf next = BUF_INIT;
	size_t n = 0;

	OK(search_run(t, &scope_all, b.customer, bytes_str(text), 0xf, 20, none, count_row, &n,
		&next, NULL));
	buf_free(&next);
	return n;
}

static size_t entries(struct txn *t, const struct entity *en, uint16_t tag)
{
	struct key prefix = key_index(en->number, tag);
	struct posting_walk *w;
	uint64_t id;
	size_t n = 0;

	OK(posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &w, NULL));
	while (posting_next(w, &id))
		n++;
	posting_close(&w);
	return n;
}

static uint64_t holder(struct txn *t, const char *field, const char *text)
{
	uint64_t id = 0;

	store_find_unique(
		t, b.customer, entity_field_named(b.customer, field), bytes_str(text), &id, NULL);
	return id;
}

static void test_same_fields_are_left_alone(void **state)
{
	(void)state;
	OK(open_store(false));
	assert_int_equal(started + ended, 0);
	sound();
	use(nothing_indexed);
	OK(open_store(false));
	assert_int_equal(started + ended, 0);
	sound();
}

static void test_changed_fields_are_indexed(void **state)
{
	struct buf run = BUF_INIT;
	uint64_t ids[4];
	struct txn *t = bench_begin(&b, false);

	(void)state;
	assert_int_equal(found(t, "bamboo"), 0);
	assert_int_equal(entries(t, b.customer, CUSTOMER_CITY), CUSTOMERS - 1);
	txn_abort(&t);
	use(more);
	OK(open_store(true));
	assert_int_equal(started, 0);
	assert_int_equal(check(), 0);
	assert_string_equal(said, STALE "\n");
	OK(open_store(false));
	assert_int_equal(started, 1);
	assert_int_equal(ended, 1);
	assert_int_equal(last.records, CUSTOMERS + 6);
	assert_int_equal(last.doubles, 0);
	assert_int_equal(store_pending_terms(b.store), 0);
	sound();
	t = bench_begin(&b, true);
	assert_int_equal(found(t, "bamboo"), 1);
	assert_int_equal(found(t, "ceshi"), CUSTOMERS - 1);
	assert_int_equal(entries(t, b.customer, CUSTOMER_CITY), 0);
	assert_int_equal(entries(t, b.customer, CUSTOMER_SCORE), 1);
	record_add_text(&run, TASK_TITLE, bytes_str("call back"));
	assert_int_equal(store_find_equal(t, b.task, entity_field_named(b.task, "title"),
				 buf_bytes(&run), 0, ids, 4),
		1);
	assert_int_equal(holder(t, "phone", "13800000002"), 2);
	set_text(t, 1, CUSTOMER_PHONE, "13800000002", STATUS_DUPLICATE);
	bench_commit(&t);
	OK(open_store(false));
	assert_int_equal(started, 0);
	use(NULL);
	OK(open_store(false));
	assert_int_equal(ended, 1);
	sound();
	buf_free(&run);
}

static void notes(size_t n)
{
	assert_int_equal(check(), 0);
	for (const char *at = said; (at = strstr(at, "note: ")); at++)
		n--;
	assert_int_equal(n, 0);
}

/* Of twelve customers four each have the same city; one that lies in the trash takes no part. */
static void test_values_that_stand_twice(void **state)
{
	struct txn *t;

	(void)state;
	use(unique_city);
	OK(open_store(false));
	assert_int_equal(last.doubles, CUSTOMERS - 4);
	notes(CUSTOMERS - 4);
	assert_non_null(
		strstr(said, "note: customer \"12\": city is taken by customer \"3\" as well\n"));
	t = bench_begin(&b, true);
	assert_int_equal(holder(t, "city", "Berlin"), 2);
	set_text(t, 5, CUSTOMER_CITY, "Bremen", STATUS_OK);  /* one that waited */
	set_text(t, 2, CUSTOMER_CITY, "Hamburg", STATUS_OK); /* the one that had it */
	assert_int_equal(holder(t, "city", "Berlin"), 8);
	assert_int_equal(holder(t, "city", "Bremen"), 5);
	set_text(t, 11, CUSTOMER_NOTE, "other fields of it can be changed", STATUS_OK);
	set_text(t, 1, CUSTOMER_CITY, "Berlin", STATUS_DUPLICATE);
	bench_commit(&t);
	notes(CUSTOMERS - 6);
	t = bench_begin(&b, true);
	set_text(t, 8, CUSTOMER_CITY, NULL, STATUS_OK);
	assert_int_equal(holder(t, "city", "Berlin"), 11);
	set_text(t, 11, CUSTOMER_CITY, NULL, STATUS_OK);
	assert_int_equal(holder(t, "city", "Berlin"), 0);
	set_text(t, 1, CUSTOMER_CITY, "Berlin", STATUS_OK);
	bench_commit(&t);
	assert_int_equal(check(), 0);
}

/* Cut off at one call after the other, each time beginning with a sound store of the other fields. */
static void test_cut_off_anywhere(void **state)
{
	bool cut = true;
	unsigned cuts = 0;

	(void)state;
	for (size_t at = 1; cut; at += 1 + at / 12) {
		use(more);
		fault_arm(cuts % 2 ? FAULT_IO : FAULT_FULL, at);
		enum status s = open_store(false);
		cut = fault_happened();
		assert_true(cut ? s != STATUS_OK : s == STATUS_OK);
		cuts += cut;
		fault_arm(FAULT_NONE, 0);
		OK(open_store(false));
		sound();
		use(NULL);
		OK(open_store(false));
		sound();
	}
	assert_true(cuts > 20);
}

static void test_cut_off_between_batches(void **state)
{
	struct txn *t;

	(void)state;
	t = bench_begin(&b, true);
	for (unsigned i = CUSTOMERS + 1; i <= MANY; i++)
		bench_add_customer(&b, t, i, 2, 1);
	bench_commit(&t);
	use(more);
	fault_arm(FAULT_FULL, MANY * 8);
	assert_int_equal(open_store(false), STATUS_STORAGE_FULL);
	assert_true(fault_happened());
	OK(open_store(true));
	assert_int_equal(check(), 0);
	assert_string_equal(said, STALE "\n");
	use(NULL); /* the older program again */
	OK(open_store(false));
	assert_int_equal(last.records, MANY + 6);
	sound();
	t = bench_begin(&b, false);
	assert_int_equal(entries(t, b.customer, CUSTOMER_CITY), MANY - 1);
	txn_abort(&t);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_same_fields_are_left_alone),
		CASE(test_changed_fields_are_indexed),
		CASE(test_values_that_stand_twice),
		CASE(test_cut_off_anywhere),
		CASE(test_cut_off_between_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
