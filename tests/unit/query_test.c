/* Filters against records whose answer is known, and every way of reading a query against a walk over all records. */
#include "common/clock.h"
#include "common/text.h"
#include "server/store/query.h"
#include "tests/fault/store_bench.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

#define MAP (64u << 20)
#define OK(x) assert_int_equal((x), STATUS_OK)
#define CUSTOMERS 400
#define IDS_MAX 2000

static struct store_bench b;

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static struct parse_context world(void)
{
	return (struct parse_context){
		.schema = b.schema, .today = 20261121, .zone = zone_find("Asia/Shanghai")
	};
}

/* A filter compiled against an entity, with what it lives in. */
struct asked {
	struct arena *arena;
	struct filter filter;
	struct condition *condition;
};

static enum status ask(
	struct asked *a, const struct entity *en, const char *filter, struct error *e)
{
	struct parse_context ctx = world();

	a->arena = arena_new(1 << 20);
	a->condition = NULL;
	enum status s = filter_parse(bytes_str(filter), a->arena, &a->filter, e);
	return s ? s : condition_compile(&a->filter, en, &ctx, a->arena, &a->condition, e);
}

static void must_ask(struct asked *a, const struct entity *en, const char *filter)
{
	struct error e;

	error_init(&e);
	if (ask(a, en, filter, &e))
		fail_msg("%s: %s", filter, e.message);
}

/* Records. */

static void add_random_customer(struct txn *t, uint32_t *seed)
{
	static const char *const cities[] = { "杭州", "宁波", "上海", "Paris", "ＰＡＲＩＳ" };
	static const char *const tags[] = { "重点", "VIP", "vip", "老客户" };
	struct buf f = BUF_INIT;
	uint64_t id = 0;
	uint32_t r = next_random(seed);

	record_add_text(&f, CUSTOMER_NAME, bytes_str(r % 3 == 0 ? "曾国强" : "重庆长城银行"));
	if (r % 9 == 0)
		record_add_text(&f, CUSTOMER_READING, bytes_str("ceng guo qiang"));
	if (r % 7 != 0)
		record_add_text(&f, CUSTOMER_CITY, bytes_str(cities[r % 5]));
	for (uint32_t i = 0; i < next_random(seed) % 3; i++)
		record_add_text(&f, CUSTOMER_TAGS, bytes_str(tags[(r + i) % 4]));
	if (r % 11 != 0)
		record_add_signed(&f, CUSTOMER_LEVEL, (int64_t)(next_random(seed) % 30) - 10);
	if (r % 4 != 0)
		record_add_number(&f, CUSTOMER_OWNER, r % 4);
	if (next_random(seed) % 5 != 0)
		record_add_number(&f, CUSTOMER_BRANCH, next_random(seed) % 3 + 1);
	if (r % 2 == 0)
		record_add_text(&f, CUSTOMER_NOTE, bytes_str(r % 6 == 0 ? "b note" : "a note"));
	OK(bench_put(&b, t, b.customer, &id, "add", &f, NULL));
	if (next_random(seed) % 13 == 0)
		OK(bench_delete(&b, t, b.customer, id, NULL));
	buf_free(&f);
}

static void add_contact(struct txn *t, uint32_t *seed)
{
	struct buf f = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&f, CONTACT_NAME, bytes_str(next_random(seed) % 2 ? "王五" : "Zoe"));
	record_add_number(&f, CONTACT_CUSTOMER, next_random(seed) % CUSTOMERS + 1);
	OK(bench_put(&b, t, b.contact, &id, "add", &f, NULL));
	buf_free(&f);
}

static int open_filled(void **state)
{
	uint32_t seed = 5;
	struct txn *t;

	bench_open(&b, &engine_lmdb, MAP);
	t = bench_begin(&b, true);
	for (int i = 0; i < CUSTOMERS; i++) {
		b.author.now_ms += 7000;
		add_random_customer(t, &seed);
	}
	for (int i = 0; i < CUSTOMERS; i++)
		add_contact(t, &seed);
	bench_commit(&t);
	return 0;
}

static int open_empty(void **state)
{
	bench_open(&b, &engine_lmdb, MAP);
	return 0;
}

static int close_bench(void **state)
{
	bench_close(&b);
	return 0;
}

/* The answer by a walk over all records. */

struct hit {
	uint64_t id;
	struct buf fields;
};

struct sort {
	const struct field *field; /* NULL: by id */
	bool descending;
};

/* By the key, in which a corrected reading counts. */
static int compare_values(const struct field *f, const struct wire_field *v, struct bytes read_v,
	const struct wire_field *w, struct bytes read_w)
{
	uint8_t x[KEY_MAX], y[KEY_MAX];
	size_t nx = type_key_reading(f, v, read_v, x), ny = type_key_reading(f, w, read_w, y);

	return bytes_compare(bytes_of(x, nx), bytes_of(y, ny));
}

static int compare_hits(const void *a, const void *c, void *arg)
{
	const struct hit *x = a, *y = c;
	const struct sort *s = arg;
	struct wire_field v, w;
	int by_id = x->id < y->id ? -1 : x->id > y->id;

	if (!s->field)
		return s->descending ? -by_id : by_id;
	bool has_v = record_find(buf_bytes(&x->fields), s->field->tag, &v);
	bool has_w = record_find(buf_bytes(&y->fields), s->field->tag, &w);
	if (has_v != has_w)
		return has_v ? -1 : 1;
	struct bytes rv = { 0 }, rw = { 0 };
	if (s->field->flags & F_NAME) {
		rv = record_text(buf_bytes(&x->fields), CUSTOMER_READING);
		rw = record_text(buf_bytes(&y->fields), CUSTOMER_READING);
	}
	int order = has_v ? compare_values(s->field, &v, rv, &w, rw) : 0;
	if (order)
		return s->descending ? -order : order;
	return s->descending || !has_v ? -by_id : by_id;
}

static size_t walk_all(struct txn *t, const struct query *q, const struct sort *sort, uint64_t *ids)
{
	struct hit *hits = calloc(IDS_MAX, sizeof(*hits));
	struct scope scope = *q->scope;
	size_t n = 0;

	scope.trash_too = q->trash;
	for (uint64_t id = 1; id <= CUSTOMERS + 50; id++) {
		struct buf row = BUF_INIT;
		struct stored s;
		if (store_get(t, &scope, q->entity, id, &row, &s, NULL) == STATUS_OK &&
			s.deleted == q->trash && condition_match(q->condition, t, q->scope, &s)) {
			hits[n].id = id;
			buf_add_bytes(&hits[n++].fields, s.fields);
		}
		buf_free(&row);
	}
	qsort_r(hits, n, sizeof(*hits), compare_hits, (void *)sort);
	for (size_t i = 0; i < n; i++) {
		ids[i] = hits[i].id;
		buf_free(&hits[i].fields);
	}
	free(hits);
	return n;
}

struct rows {
	uint64_t ids[IDS_MAX];
	size_t n;
};

static bool take_row(void *arg, const struct stored *record)
{
	struct rows *r = arg;

	assert_in_range(r->n, 0, IDS_MAX - 1);
	r->ids[r->n++] = record->id;
	return true;
}

/* All pages one after the other. */
static void read_pages(struct txn *t, struct query *q, int64_t deadline_us, struct rows *rows)
{
	struct buf token = BUF_INIT;
	struct query_result result;
	struct error e;

	error_init(&e);
	rows->n = 0;
	do {
		size_t before = rows->n;
		q->after = buf_bytes(&token);
		if (query_run(t, q, deadline_us, take_row, rows, &result, &e))
			fail_msg("%s", e.message);
		assert_in_range(rows->n - before, 0, q->limit);
		if (!result.cut && result.next.len > 0)
			assert_int_equal(rows->n - before, q->limit);
		buf_clear(&token);
		buf_add_bytes(&token, buf_bytes(&result.next));
		buf_free(&result.next);
		buf_free(&result.explain);
	} while (token.len > 0);
	q->after = (struct bytes){ 0 };
	buf_free(&token);
}

static const char *const customer_filters[] = {
	"",
	"city = 杭州",
	"city = paris",
	"城市 in (杭州, 宁波)",
	"city = 杭州 or city = 上海 or level = 3",
	"city != 杭州",
	"not city = 杭州 and level > 3",
	"city is empty",
	"city is not empty",
	"level = 3",
	"level >= 3 and level < 9",
	"level > 3 and level <= 9 and city = 宁波",
	"level < -5",
	"tags = vip",
	"tags in (重点, 老客户)",
	"tags != vip",
	"name ~ zgq",
	"name ~ 长城",
	"name ~ 国",
	"name ~ 重庆长城银行",
	"name ~ 庆银",
	"name ~ 长城 and city = 杭州",
	"name = 曾国强 and level > 0",
	"name > 曾国强",
	"name <= 曾国强",
	"note ~ a",
	"id = 17",
	"id in (3, 17, 99999)",
	"id > 350",
	"id <= 20 and city = 杭州",
	"owner = 2",
	"branch = 1 and owner is empty",
	"created_at >= 2020-01-01",
	"created_at < 2020-01-01",
	"version > 1",
	"city > 宁波",
	"city <= 宁波",
	"code = C000001",
	"owner.name = nobody",
};
static const char *const contact_filters[] = {
	"customer.city = 杭州",
	"customer.level = 3",
	"customer.city in (杭州, 上海) and name = 王五",
	"name = zoe",
	"customer ~ 长城",
	"customer.owner.id = 2",
	"customer = 5 or customer = 6",
};

struct sorted {
	const char *text;
	const char *field;
	bool descending;
};

static const struct sorted sorts[] = {
	{ "", NULL, true },
	{ "id", NULL, false },
	{ "-id", NULL, true },
	{ "level", "level", false },
	{ "-level", "level", true },
	{ "城市", "city", false },
	{ "-city", "city", true },
	{ "name", "name", false },
	{ "-created_at", "created_at", true },
	{ "note", "note", false },
	{ "-tags", "tags", true },
};

static const uint64_t two_branches[] = { 1, 3 };
static const struct scope scopes[] = {
	{ .all = true },
	{ .own = true, .user = 2 },
	{ .own = true, .user = 1, .branches = two_branches, .nbranches = 2 },
	{ .own = true, .user = 3, .pool_branch = 2 },
	{ .own = true, .user = 99 },
};

static void compare_with_walk(struct txn *t, const struct entity *en, const char *filter,
	const struct scope *scope, const struct sorted *sorted, bool trash)
{
	struct asked a;
	struct query q = { .entity = en,
		.scope = scope,
		.sort = bytes_str(sorted->text),
		.limit = 7,
		.trash = trash };
	struct sort sort = { .descending = sorted->descending };
	struct rows *rows = calloc(1, sizeof(*rows));
	uint64_t *ids = calloc(IDS_MAX, sizeof(*ids)), count;
	size_t n;

	must_ask(&a, en, filter);
	q.condition = a.condition;
	sort.field = sorted->field ? entity_field_named(en, sorted->field) : NULL;
	n = walk_all(t, &q, &sort, ids);
	read_pages(t, &q, 0, rows);
	if (rows->n != n || memcmp(rows->ids, ids, n * sizeof(*ids)) != 0)
		fail_msg("\"%s\" by \"%s\": %zu rows, %zu expected (trash %d)", filter,
			sorted->text, rows->n, n, trash);
	q.limit = 500;
	read_pages(t, &q, 0, rows);
	assert_int_equal(rows->n, n);
	assert_memory_equal(rows->ids, ids, n * sizeof(*ids));
	OK(query_count(t, &q, &count, NULL));
	if (count != n)
		fail_msg("\"%s\": count %llu, %zu expected", filter, (unsigned long long)count, n);
	arena_free(&a.arena);
	free(rows);
	free(ids);
}

static void test_every_way_gives_the_same_rows(void **state)
{
	struct txn *t = bench_begin(&b, false);

	for (size_t f = 0; f < sizeof(customer_filters) / sizeof(*customer_filters); f++) {
		for (size_t s = 0; s < sizeof(scopes) / sizeof(*scopes); s++) {
			/* A quarter of the orders each; all of them come with every filter. */
			for (size_t o = (f + s) % 4; o < sizeof(sorts) / sizeof(*sorts); o += 4)
				compare_with_walk(t, b.customer, customer_filters[f], &scopes[s],
					&sorts[o], false);
		}
	}
	txn_abort(&t);
}

static void test_through_references(void **state)
{
	struct txn *t = bench_begin(&b, false);

	for (size_t f = 0; f < sizeof(contact_filters) / sizeof(*contact_filters); f++) {
		for (size_t s = 0; s < sizeof(scopes) / sizeof(*scopes); s++) {
			for (size_t o = 0; o < 3; o++)
				compare_with_walk(t, b.contact, contact_filters[f], &scopes[s],
					&sorts[o], false);
		}
	}
	txn_abort(&t);
}

static void test_trash(void **state)
{
	struct txn *t = bench_begin(&b, false);

	for (size_t s = 0; s < sizeof(scopes) / sizeof(*scopes); s++) {
		for (size_t o = 0; o < sizeof(sorts) / sizeof(*sorts); o++) {
			compare_with_walk(t, b.customer, "", &scopes[s], &sorts[o], true);
			compare_with_walk(
				t, b.customer, "city = 杭州", &scopes[s], &sorts[o], true);
		}
	}
	txn_abort(&t);
}

/* A page whose time is over at once still goes on, and all pages together are complete. */
static void test_pages_cut_by_time(void **state)
{
	struct txn *t = bench_begin(&b, false);
	struct rows *rows = calloc(1, sizeof(*rows));
	uint64_t *ids = calloc(IDS_MAX, sizeof(*ids));
	static const char *const by[] = { "", "-level", "city" };

	for (size_t i = 0; i < 3; i++) {
		struct asked a;
		struct query q = { .entity = b.customer,
			.scope = &scope_all,
			.limit = 30,
			.sort = bytes_str(by[i]) };
		struct sort sort = { .descending = i != 2 };

		must_ask(&a, b.customer, "note ~ b");
		q.condition = a.condition;
		sort.field =
			i == 0 ? NULL : entity_field_named(b.customer, i == 1 ? "level" : "city");
		size_t n = walk_all(t, &q, &sort, ids);
		read_pages(t, &q, 1, rows);
		assert_int_equal(rows->n, n);
		assert_memory_equal(rows->ids, ids, n * sizeof(*ids));
		arena_free(&a.arena);
	}
	free(rows);
	free(ids);
	txn_abort(&t);
}

/* F23: 0, 1, 20, 21, 40, 41 rows make 0, 1, 1, 2, 2, 3 pages. */
static void test_last_page_has_no_token(void **state)
{
	static const struct {
		unsigned rows, pages;
	} expected[] = { { 0, 0 }, { 1, 1 }, { 20, 1 }, { 21, 2 }, { 40, 2 }, { 41, 3 } };
	struct txn *t = bench_begin(&b, true);
	struct buf token = BUF_INIT;
	unsigned have = 0;

	for (size_t i = 0; i < 6; i++) {
		struct query q = { .entity = b.customer, .scope = &scope_all, .limit = 20 };
		struct query_result result;
		struct rows *rows = calloc(1, sizeof(*rows));
		unsigned pages = 0;

		for (; have < expected[i].rows; have++)
			bench_add_customer(&b, t, have + 1, 0, 0);
		do {
			q.after = buf_bytes(&token);
			OK(query_run(t, &q, 0, take_row, rows, &result, NULL));
			buf_clear(&token);
			buf_add_bytes(&token, buf_bytes(&result.next));
			pages += rows->n > 0;
			buf_free(&result.next);
			buf_free(&result.explain);
		} while (token.len > 0);
		assert_int_equal(pages, expected[i].pages);
		assert_int_equal(rows->n, expected[i].rows);
		free(rows);
	}
	bench_commit(&t);
	buf_free(&token);
}

/* F23: what is added or deleted between two pages neither repeats nor skips an older row. */
static void test_pages_are_stable(void **state)
{
	static const char *const by[] = { "", "-created_at", "code", "-level" };

	for (size_t i = 0; i < 4; i++) {
		struct query q = { .entity = b.customer,
			.scope = &scope_all,
			.limit = 10,
			.sort = bytes_str(by[i]) };
		struct query_result result;
		struct rows *rows = calloc(1, sizeof(*rows)), *all = calloc(1, sizeof(*all));
		struct txn *t = bench_begin(&b, true);
		uint64_t gone;

		for (unsigned n = 0; n < 30; n++)
			bench_add_customer(&b, t, n + 100, 0, 0);
		read_pages(t, &q, 0, all);
		OK(query_run(t, &q, 0, take_row, rows, &result, NULL));
		gone = rows->ids[3];
		OK(bench_delete(&b, t, b.customer, gone, NULL));
		OK(bench_delete(&b, t, b.customer, rows->ids[9], NULL));
		for (unsigned n = 0; n < 15; n++)
			bench_add_customer(&b, t, n, 0, 0);
		while (result.next.len > 0) {
			struct buf token = result.next;
			q.after = buf_bytes(&token);
			buf_free(&result.explain);
			OK(query_run(t, &q, 0, take_row, rows, &result, NULL));
			buf_free(&token);
		}
		buf_free(&result.explain);
		for (size_t k = 0; k < all->n; k++) {
			size_t seen = 0;
			for (size_t j = 0; j < rows->n; j++)
				seen += rows->ids[j] == all->ids[k];
			assert_int_equal(seen, 1);
		}
		txn_abort(&t);
		free(rows);
		free(all);
	}
}

/* Known answers. */

static uint64_t add_named(struct txn *t, const char *name, const char *city, const char *tags,
	int level, const char *phone)
{
	struct buf f = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&f, CUSTOMER_NAME, bytes_str(name));
	if (phone)
		record_add_text(&f, CUSTOMER_PHONE, bytes_str(phone));
	if (city)
		record_add_text(&f, CUSTOMER_CITY, bytes_str(city));
	if (tags) {
		const struct field *field = entity_field_named(b.customer, "tags");
		OK(type_parse(field, bytes_str(tags), NULL, &f, NULL));
	}
	record_add_signed(&f, CUSTOMER_LEVEL, level);
	OK(bench_put(&b, t, b.customer, &id, "add", &f, NULL));
	buf_free(&f);
	return id;
}

static void add_digit(struct txn *t, uint64_t id, struct buf *out)
{
	struct buf row = BUF_INIT;
	struct stored s;

	OK(store_get(t, &scope_all, b.customer, id, &row, &s, NULL));
	buf_printf(out, "%d", (int)record_signed(s.fields, CUSTOMER_LEVEL));
	buf_free(&row);
}

/* The levels of the records found, one digit each, lowest id first. */
static void known(struct txn *t, const char *filter, const char *expected)
{
	struct asked a;
	struct query q = {
		.entity = b.customer, .scope = &scope_all, .limit = 100, .sort = bytes_str("id")
	};
	struct rows *rows = calloc(1, sizeof(*rows));
	struct buf levels = BUF_INIT;

	must_ask(&a, b.customer, filter);
	q.condition = a.condition;
	read_pages(t, &q, 0, rows);
	for (size_t i = 0; i < rows->n; i++)
		add_digit(t, rows->ids[i], &levels);
	if (strcmp(buf_str(&levels), expected) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", filter, buf_str(&levels), expected);
	buf_free(&levels);
	arena_free(&a.arena);
	free(rows);
}

static void test_known_answers(void **state)
{
	struct txn *t = bench_begin(&b, true);

	b.author.now_ms = 1795000000000; /* 2026-11-18T11:06:40Z, 19:06 in Shanghai */
	add_named(t, "杭州长河有限公司", "杭州", "重点,老客户", 1, "+86 138-0000-0001");
	add_named(t, "曾国强", "宁波", "重点", 2, "0571-87654321");
	b.author.now_ms = 1795280400000; /* 2026-11-21T17:00:00Z, the 22nd in Shanghai */
	add_named(t, "Acme GmbH", "Paris", NULL, 3, NULL);
	b.author.now_ms = 1793500000000; /* 2026-11-01T02:26:40Z */
	add_named(t, "ACME ＣＯ", NULL, "vip", 4, NULL);
	known(t, "", "1234");
	known(t, "(city in (杭州, 宁波) or tags = VIP) and not level = 2", "14");
	known(t, "city = PARIS", "3");
	known(t, "city != 杭州", "234");
	known(t, "city is empty", "4");
	known(t, "city = \"\"", "4");
	known(t, "city != ''", "123");
	known(t, "tags = 重点", "12");
	known(t, "tags != 重点", "34");
	known(t, "标签 is empty", "3");
	known(t, "name ~ 长河", "1");
	known(t, "name ~ zgq", "2");
	known(t, "name ~ acme", "34");
	known(t, "name ~ 'acme co'", "4");
	known(t, "phone = 13800000001", "1");
	known(t, "phone ~ 13800", "1");
	known(t, "phone = '(0571) 8765 4321'", "2");
	known(t, "level >= 2 and level <= 3", "23");
	known(t, "level not in (2, 3)", "14");
	known(t, "created_at = today", "");
	known(t, "created_at = 2026-11-22", "3");
	known(t, "created_at = this-month", "1234");
	known(t, "created_at < 2026-11-18", "4");
	known(t, "created_at <= 2026-11-18", "124");
	known(t, "created_at > 2026-11-18", "3");
	known(t, "created_at >= 2026-11-21T17:00:00Z", "3");
	known(t, "created_at >= today-3d", "123");
	known(t, "created_at >= this-month and created_at < today", "124");
	known(t, "id = 2 or id > 3", "24");
	known(t, "version = 1", "1234");
	known(t, "not (name ~ acme or city = 杭州)", "2");
	txn_abort(&t);
}

/* F24: by pinyin, surnames by their own reading, a corrected reading before both. */
static void test_names_in_order(void **state)
{
	static const char *const names[] = { "王五", "曾国强", "单雄飞", "阿强" };
	struct query q = {
		.entity = b.customer, .scope = &scope_all, .limit = 2, .sort = bytes_str("name")
	};
	struct rows *rows = calloc(1, sizeof(*rows));
	struct txn *t = bench_begin(&b, true);
	struct buf levels = BUF_INIT;
	uint64_t ids[4];

	for (int i = 0; i < 4; i++)
		ids[i] = add_named(t, names[i], NULL, NULL, i, NULL);
	read_pages(t, &q, 0, rows);
	for (size_t i = 0; i < rows->n; i++)
		add_digit(t, rows->ids[i], &levels);
	assert_string_equal(buf_str(&levels), "3201");
	buf_clear(&levels);
	record_add_text(&levels, CUSTOMER_READING, bytes_str("ceng guo qiang"));
	OK(bench_set(&b, t, b.customer, ids[1], "set", CUSTOMER_READING, buf_bytes(&levels), NULL));
	buf_clear(&levels);
	read_pages(t, &q, 0, rows);
	for (size_t i = 0; i < rows->n; i++)
		add_digit(t, rows->ids[i], &levels);
	assert_string_equal(buf_str(&levels), "3120");
	known(t, "name = 曾国强", "1");
	known(t, "name ~ ceng", "1");
	OK(bench_set(
		&b, t, b.customer, ids[1], "set", CUSTOMER_READING, (struct bytes){ 0 }, NULL));
	buf_clear(&levels);
	read_pages(t, &q, 0, rows);
	for (size_t i = 0; i < rows->n; i++)
		add_digit(t, rows->ids[i], &levels);
	assert_string_equal(buf_str(&levels), "3201");
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	buf_free(&levels);
	free(rows);
}

static void refuse(const struct entity *en, const char *filter, const char *message)
{
	struct asked a;
	struct error e;

	error_init(&e);
	assert_int_equal(ask(&a, en, filter, &e), STATUS_USAGE);
	if (!strstr(e.message, message))
		fail_msg("%s: %s", filter, e.message);
	error_clear(&e);
	arena_free(&a.arena);
}

static void test_mistakes(void **state)
{
	refuse(b.customer, "ctiy = 杭州",
		"unknown field \"ctiy\", did you mean \"city\" (column 1 of the filter)\n"
		"  ctiy = 杭州\n"
		"  ^");
	refuse(b.customer, "city = 杭州 and level = many",
		"value of \"level\" is not a whole number (column 15 of the filter)");
	refuse(b.customer, "level ~ 3", "~ cannot be used with \"level\"");
	refuse(b.customer, "owner > 3", "\"owner\" has no order");
	refuse(b.customer, "city.name = x", "field \"city\" refers to no other record");
	refuse(b.contact, "customer.nothing = x", "unknown field \"nothing\" of customer");
	refuse(b.customer, "level > ''", "value of \"level\" is blank");
}

static void test_classes_of_a_filter(void **state)
{
	struct asked a;

	must_ask(&a, b.contact, "name = 王五");
	assert_true(condition_classes(a.condition) & 1u << CLASS_PERSONAL);
	arena_free(&a.arena);
	must_ask(&a, b.contact, "customer.city = 杭州");
	assert_false(condition_classes(a.condition) & 1u << CLASS_PERSONAL);
	arena_free(&a.arena);
	must_ask(&a, b.task, "contact ~ 王");
	assert_true(condition_classes(a.condition) & 1u << CLASS_PERSONAL);
	arena_free(&a.arena);
	assert_int_equal(condition_classes(NULL), 0);
}

static bool never(void *arg, const struct stored *record)
{
	return false;
}

static void test_bad_sort_and_token(void **state)
{
	struct txn *t = bench_begin(&b, false);
	struct query q = { .entity = b.customer, .scope = &scope_all, .limit = 5 };
	struct query_result result;
	struct error e;

	error_init(&e);
	q.sort = bytes_str("-levle");
	assert_int_equal(query_run(t, &q, 0, never, NULL, &result, &e), STATUS_USAGE);
	assert_string_equal(e.message, "unknown field \"levle\" in sort, did you mean \"level\"");
	q.sort = bytes_str("level");
	for (size_t len = 1; len < 40; len++) {
		static const uint8_t junk[40] = { 1, 1, 1, 255 };
		q.after = bytes_of(junk, len);
		assert_int_equal(query_run(t, &q, 0, never, NULL, &result, &e), STATUS_USAGE);
		buf_free(&result.explain);
	}
	error_clear(&e);
	txn_abort(&t);
}

static void test_caller_may_end_a_page(void **state)
{
	struct txn *t = bench_begin(&b, false);
	static const char *const by[] = { "", "level", "note" };

	for (size_t i = 0; i < 3; i++) {
		struct query q = { .entity = b.customer,
			.scope = &scope_all,
			.limit = 5,
			.sort = bytes_str(by[i]) };
		struct query_result result;

		OK(query_run(t, &q, 0, never, NULL, &result, NULL));
		assert_true(result.next.len > 0);
		assert_false(result.cut);
		buf_free(&result.next);
		buf_free(&result.explain);
	}
	txn_abort(&t);
}

static void explains(struct txn *t, const struct entity *en, const struct scope *scope,
	const char *filter, const char *sort, const char *says)
{
	struct asked a;
	struct query q = { .entity = en, .scope = scope, .limit = 5, .sort = bytes_str(sort) };
	struct query_result result;

	must_ask(&a, en, filter);
	q.condition = a.condition;
	OK(query_run(t, &q, 0, never, NULL, &result, NULL));
	if (!strstr(buf_str(&result.explain), says))
		fail_msg("%s: %s", filter, buf_str(&result.explain));
	buf_free(&result.next);
	buf_free(&result.explain);
	arena_free(&a.arena);
}

static void test_plans(void **state)
{
	struct txn *t = bench_begin(&b, false);

	explains(t, b.customer, &scope_all, "city = 杭州", "",
		"read:\n  index: city, about 68 records\norder: as read\nrecords: read for the "
		"page "
		"alone\n");
	explains(t, b.customer, &scope_all, "city = 杭州 and level = 3", "",
		"  all of, about 3 records\n    index: city, about 68 records\n    index: level, "
		"about 16 records\n");
	explains(t, b.customer, &scope_all, "level > 17", "",
		"  stretch of the index: level, about 21 records\n");
	explains(t, b.customer, &scope_all, "name ~ 庆银", "",
		"  index of search: name, about 0 records\n");
	explains(t, b.customer, &scope_all, "note ~ a", "",
		"  records in the order of their ids, about 400 records\norder: as read\n"
		"records: each candidate is read and checked\n");
	explains(t, b.customer, &scope_all, "", "level", "order: along the index, by level, then");
	explains(t, b.customer, &scope_all, "", "-note",
		"order: all that are read are sorted, by -note\n");
	explains(t, b.customer, &scope_all, "level = 3", "name", "all that are read are sorted");
	explains(t, b.customer, &scopes[4], "city = 杭州", "",
		"  all of\n    index: city\n    index of what the caller may see\n");
	explains(t, b.contact, &scope_all, "customer.level = 3", "",
		"  index, by what it refers to: customer, about");
	txn_abort(&t);
}

struct groups {
	uint64_t total, unset, values;
	int64_t sum;
};

static void add_group(void *arg, struct bytes run, uint64_t count)
{
	struct groups *g = arg;

	if (run.len > 0)
		g->sum += record_signed(run, CUSTOMER_LEVEL) * (int64_t)count;

	g->total += count;
	g->values++;
	if (run.len == 0)
		g->unset += count;
}

static uint64_t counted(struct txn *t, const char *filter, const struct scope *scope)
{
	struct asked a;
	struct query q = { .entity = b.customer, .scope = scope };
	uint64_t n = 0;

	must_ask(&a, b.customer, filter);
	q.condition = a.condition;
	OK(query_count(t, &q, &n, NULL));
	arena_free(&a.arena);
	return n;
}

/* From the index alone and from the records: the same groups. */
static void test_count_by(void **state)
{
	const struct field *level = entity_field_named(b.customer, "level");
	struct txn *t = bench_begin(&b, false);

	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		struct query q = { .entity = b.customer, .scope = &scopes[i] };
		struct groups g = { 0 }, read = { 0 };
		struct asked a;

		OK(query_count_by(
			t, &q, &(struct query_by){ .field = level }, add_group, &g, NULL));
		assert_int_equal(g.total, counted(t, "", &scopes[i]));
		assert_int_equal(g.unset, counted(t, "level is empty", &scopes[i]));
		assert_in_range(g.values, 0, 31);
		must_ask(&a, b.customer, "id > 0");
		q.condition = a.condition;
		OK(query_count_by(
			t, &q, &(struct query_by){ .field = level }, add_group, &read, NULL));
		assert_int_equal(read.total, g.total);
		assert_int_equal(read.sum, g.sum);
		assert_int_equal(read.values, g.values);
		arena_free(&a.arena);
	}
	txn_abort(&t);
}

int main(void)
{
	const struct CMUnitTest filled[] = {
		cmocka_unit_test(test_every_way_gives_the_same_rows),
		cmocka_unit_test(test_through_references),
		cmocka_unit_test(test_trash),
		cmocka_unit_test(test_pages_cut_by_time),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_classes_of_a_filter),
		cmocka_unit_test(test_bad_sort_and_token),
		cmocka_unit_test(test_caller_may_end_a_page),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_count_by),
	};
	const struct CMUnitTest empty[] = {
		cmocka_unit_test_setup_teardown(
			test_last_page_has_no_token, open_empty, close_bench),
		cmocka_unit_test_setup_teardown(test_pages_are_stable, open_empty, close_bench),
		cmocka_unit_test_setup_teardown(test_known_answers, open_empty, close_bench),
		cmocka_unit_test_setup_teardown(test_names_in_order, open_empty, close_bench),
	};
	int failed = cmocka_run_group_tests_name("query", filled, open_filled, close_bench);

	return failed + cmocka_run_group_tests_name("query pages", empty, NULL, NULL);
}
