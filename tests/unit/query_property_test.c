/*
 * Random filters over random records of every entity: rows, order, pages and counts against a walk over all records, whatever
 * way the planner takes.
 */
#include "server/model/model.h"
#include "server/store/plan.h"
#include <glib.h>
#include <unistd.h>
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

#define OK(x) assert_int_equal((x), STATUS_OK)
#define RECORDS 40
#define MANY 160 /* of the first entity */
#define ROUNDS 400
#define TODAY 20261121

static struct bed {
	char dir[64];
	struct schema *schema;
	struct store *store;
	struct author author;
	GRand *rand;
} bed;

static uint32_t below(uint32_t n)
{
	return (uint32_t)g_rand_int_range(bed.rand, 0, (gint32)n);
}

/* Values, as text that both the parser of types and a filter take. */

static const char *word(const struct field *f)
{
	static const char *const words[] = { "杭州", "宁波", "重庆长城银行", "曾国强", "Paris",
		"ＰＡＲＩＳ", "b note", "单雄飞", "VIP", "vip", "长江 三峡", "0571" };
	static const char *const phones[] = { "13800000001", "+86 138-0000-0001", "0571-88880000",
		"010-12345678" };
	static const char *const mails[] = { "a@example.com", "a@EXAMPLE.com", "b@example.org" };
	static const char *const days[] = { "1987-07-26", "02-29", "lunar:08-15", "1990-01-02" };

	switch (f->type) {
	case T_PHONE:
		return phones[below(G_N_ELEMENTS(phones))];
	case T_EMAIL:
		return mails[below(G_N_ELEMENTS(mails))];
	case T_BIRTHDAY:
		return days[below(G_N_ELEMENTS(days))];
	case T_URL:
		return below(2) ? "https://example.com/a" : "http://example.org";
	default:
		return words[below(G_N_ELEMENTS(words))];
	}
}

static void add_number(const struct field *f, struct buf *out)
{
	static const char *const periods[] = { "today", "this-month", "last-quarter", "today-30d",
		"2026-11-20" };

	switch (f->type) {
	case T_DATE:
	case T_DATETIME:
		if (below(3) == 0)
			buf_add_str(out, periods[below(G_N_ELEMENTS(periods))]);
		else
			buf_printf(out, "2026-%02u-%02u", 7 + below(6), 1 + below(28));
		return;
	case T_TIME:
		buf_printf(out, "%02u:00", below(24));
		return;
	case T_BOOL:
		buf_add_str(out, below(2) ? "yes" : "no");
		return;
	case T_REF_ANY:
		buf_printf(out, "customer:%u", 1 + below(RECORDS));
		return;
	case T_REF:
	case T_REFS:
	case T_CHOICE:
	case T_CHOICES:
		buf_printf(out, "%u", 1 + below(f->type == T_CHOICE ? 5 : RECORDS));
		return;
	default:
		buf_printf(out, "%u", below(12));
	}
}

static void add_value(const struct field *f, struct buf *out)
{
	if (type_is_number(f->type))
		add_number(f, out);
	else
		buf_add_str(out, word(f));
}

/* Records. */

static enum status any_reference(
	void *arg, const char *entity, struct bytes text, uint64_t *id, struct error *e)
{
	return id_parse(text, id) ? STATUS_OK : error_set(e, STATUS_NOT_FOUND, "no number");
}

static struct parse_context world(void)
{
	return (struct parse_context){ .schema = bed.schema,
		.today = TODAY,
		.reference = any_reference,
		.zone = zone_find("Asia/Shanghai") };
}

static void add_field(const struct field *f, uint32_t serial, struct buf *out)
{
	struct parse_context ctx = world();
	struct buf text = BUF_INIT;
	struct error e;

	error_init(&e);
	if (f->flags & F_UNIQUE)
		buf_printf(&text, type_is_number(f->type) ? "%u" : "u%u", serial);
	for (uint32_t i = 0; !(f->flags & F_UNIQUE) && i <= (type_is_list(f->type) ? below(3) : 0);
		i++) {
		if (i > 0)
			buf_add_str(&text, ",");
		add_value(f, &text);
	}
	struct bytes whole = buf_bytes(&text);
	if (f->type != T_DATE && f->type != T_DATETIME) {
		type_parse(f, whole, &ctx, out, &e);
	} else {
		buf_clear(&text);
		buf_printf(&text, "2026-%02u-%02u", 7 + below(6), 1 + below(28));
		if (f->type == T_DATETIME)
			buf_printf(&text, "T%02u:00:00Z", below(24));
		type_parse(f, buf_bytes(&text), &ctx, out, &e);
	}
	error_clear(&e);
	buf_free(&text);
}

static void put_random(struct txn *t, const struct entity *en, uint32_t serial, uint64_t *id)
{
	struct buf entered = BUF_INIT, computed = BUF_INIT, sorted = BUF_INIT;
	struct error e;

	error_init(&e);
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		bool managed = f->tag > TAG_EXTERNAL_ID && f->tag < TAG_CUSTOM;
		bool number = en->number_field && !strcmp(f->name, en->number_field);
		if (managed || (f->flags & (F_VIRTUAL | F_RETIRED)) || number || below(5) < 2)
			continue;
		add_field(f, serial, f->flags & F_COMPUTED ? &computed : &entered);
	}
	record_sort(buf_bytes(&entered), &sorted);
	if (store_put(t, &bed.author, en, id, *id ? "set" : "add", buf_bytes(&sorted), NULL, &e))
		fail_msg("%s: %s %s", en->name, e.message, e.nfields ? e.fields[0].message : "");
	buf_clear(&sorted);
	record_sort(buf_bytes(&computed), &sorted);
	OK(store_put_computed(t, en, *id, buf_bytes(&sorted), NULL));
	buf_free(&entered);
	buf_free(&computed);
	buf_free(&sorted);
}

static void trash(struct txn *t, const struct entity *en, uint64_t id)
{
	struct buf room = BUF_INIT, fields = BUF_INIT, sorted = BUF_INIT;
	struct stored record;

	if (store_get(t, &scope_all, en, id, &room, &record, NULL) || record.deleted)
		goto done;
	record_add_signed(&fields, TAG_DELETED_AT, bed.author.now_ms);
	for (struct bytes rest = record.fields; rest.len > 0;) {
		struct wire_field w;
		if (!record_next(&rest, &w, NULL))
			break;
		const struct field *f = entity_field_by_tag(en, w.tag);
		if (f && !(f->flags & F_COMPUTED))
			buf_add_bytes(&fields, w.whole);
	}
	record_sort(buf_bytes(&fields), &sorted);
	OK(store_put(t, &bed.author, en, &id, "delete", buf_bytes(&sorted), NULL, NULL));
done:
	buf_free(&room);
	buf_free(&fields);
	buf_free(&sorted);
}

static int open_bed(void **state)
{
	struct store_options o = { .map_size = 512u << 20, .create = true };
	char path[80];
	struct txn *t;

	bed = (struct bed){ .dir = "/tmp/query_property.XXXXXX", .rand = g_rand_new_with_seed(7) };
	assert_non_null(mkdtemp(bed.dir));
	snprintf(path, sizeof(path), "%s/store", bed.dir);
	OK(model_schema(&bed.schema, NULL));
	o.path = path;
	o.schema = bed.schema;
	OK(store_open(&o, &bed.store, NULL));
	bed.author = (struct author){ .user = 1, .now_ms = INT64_C(1795257000000) };
	OK(txn_begin(bed.store, true, &t, NULL));
	for (size_t e = 0; e < schema_count(bed.schema); e++) {
		const struct entity *en = schema_at(bed.schema, e);
		for (uint32_t i = 0; i < (e == 0 ? MANY : RECORDS); i++) {
			uint64_t id = 0;
			bed.author.now_ms += 86400000 / 4;
			put_random(t, en, i, &id);
			if (below(9) == 0)
				trash(t, en, id);
		}
	}
	OK(txn_commit(&t, NULL));
	return 0;
}

static int close_bed(void **state)
{
	char path[96];

	store_close(&bed.store);
	schema_free(&bed.schema);
	g_rand_free(bed.rand);
	snprintf(path, sizeof(path), "%s/store", bed.dir);
	store_remove(path);
	rmdir(bed.dir);
	return 0;
}

/* Filters. */

static const struct field *any_field(const struct entity *en)
{
	const struct field *f;

	do {
		f = &en->fields[below((uint32_t)en->nfields)];
	} while (f->flags & F_RETIRED);
	return f;
}

/* A field, or one of a referenced record, up to two steps away. */
static const struct field *add_path(const struct entity *en, struct buf *out)
{
	for (int step = 0;; step++) {
		const struct field *f = any_field(en);
		const struct entity *to =
			type_is_reference(f->type) && f->refers_to
				? schema_entity(bed.schema, bytes_str(f->refers_to))
				: NULL;
		buf_printf(out, "%s", below(6) ? f->name : f->zh);
		if (!to || step == 2 || below(2))
			return f;
		buf_add_str(out, ".");
		en = to;
	}
}

static void add_quoted(const struct field *f, struct buf *out)
{
	buf_add_str(out, "\"");
	add_value(f, out);
	buf_add_str(out, "\"");
}

static void add_leaf(const struct entity *en, struct buf *out)
{
	static const char *const ops[] = { "=", "=", "=", "!=", "<", "<=", ">", ">=", "~", "in",
		"not in", "is empty", "is not empty" };
	struct buf name = BUF_INIT;
	const struct field *f = add_path(en, &name);
	const char *op = ops[below(G_N_ELEMENTS(ops))];

	buf_printf(out, "%s %s", buf_str(&name), op);
	buf_free(&name);
	if (op[0] == 'i' && op[1] == 's')
		return;
	if (!g_str_has_suffix(op, "in")) {
		buf_add_str(out, " ");
		add_quoted(f, out);
		return;
	}
	buf_add_str(out, " (");
	for (uint32_t i = 0, n = 1 + below(below(8) ? 3 : 24); i < n; i++) {
		buf_add_str(out, i ? ", " : "");
		add_quoted(f, out);
	}
	buf_add_str(out, ")");
}

static void add_filter(const struct entity *en, int depth, struct buf *out)
{
	if (depth == 0 || below(3) == 0) {
		add_leaf(en, out);
		return;
	}
	if (below(4) == 0) {
		buf_add_str(out, "not (");
		add_filter(en, depth - 1, out);
		buf_add_str(out, ")");
		return;
	}
	buf_add_str(out, "(");
	add_filter(en, depth - 1, out);
	buf_add_str(out, below(2) ? ") and (" : ") or (");
	add_filter(en, depth - 1, out);
	buf_add_str(out, ")");
}

static void add_sort(const struct entity *en, struct buf *out)
{
	for (uint32_t i = 0, n = below(4); i < n; i++)
		buf_printf(out, "%s%s%s", i ? "," : "", below(2) ? "-" : "", any_field(en)->name);
}

/* A question: filter, sort and scope. */

struct question {
	struct arena *arena;
	struct buf filter, sort;
	struct condition *condition;
	struct query query;
	struct order order;
};

static const uint64_t branches[] = { 1, 3, 7 };
static const struct scope scopes[] = {
	{ .all = true },
	{ .all = true },
	{ .own = true, .user = 2 },
	{ .own = true, .user = 1, .branches = branches, .nbranches = 3 },
	{ .own = true, .user = 3, .pool_branch = 2 },
};

static bool compile(struct question *q, const struct entity *en)
{
	struct parse_context ctx = world();
	struct filter f;
	struct error e;

	error_init(&e);
	enum status s = filter_parse(buf_bytes(&q->filter), q->arena, &f, &e);
	if (!s)
		s = condition_compile(&f, en, &ctx, q->arena, &q->condition, &e);
	if (s && s != STATUS_USAGE && s != STATUS_INVALID && s != STATUS_NOT_FOUND)
		fail_msg("%s: %s", buf_str(&q->filter), e.message);
	error_clear(&e);
	return !s;
}

/* One that compiles: some operators and values do not fit their field. */
static void ask(struct question *q, const struct entity *en)
{
	*q = (struct question){ .arena = NULL };
	do {
		arena_free(&q->arena);
		q->arena = arena_new(4 << 20);
		buf_clear(&q->filter);
		if (below(10) > 0)
			add_filter(en, 3, &q->filter);
	} while (!compile(q, en));
	add_sort(en, &q->sort);
	q->query = (struct query){ .entity = en,
		.scope = &scopes[below(G_N_ELEMENTS(scopes))],
		.condition = q->condition,
		.sort = buf_bytes(&q->sort),
		.trash = below(12) == 0,
		.way = (int)MIN(below(8), 1 + WAY_PLACES),
		.limit = 1 + below(30) };
	OK(order_parse(q->query.sort, en, &q->order, NULL));
}

static void forget(struct question *q)
{
	arena_free(&q->arena);
	buf_free(&q->filter);
	buf_free(&q->sort);
}

/* The rows by a walk over all records. */

static int compare_positions(const void *a, const void *b, void *arg)
{
	return order_compare(arg, a, b);
}

static GArray *walk_all(struct txn *t, struct question *q)
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct position));
	struct scope scope = *q->query.scope;
	uint64_t next = 0;

	scope.trash_too = q->query.trash;
	OK(store_next_id(t, q->query.entity, &next, NULL));
	for (uint64_t id = 1; id < next; id++) {
		struct buf room = BUF_INIT;
		struct stored record;
		struct position at;
		if (!store_get(t, &scope, q->query.entity, id, &room, &record, NULL) &&
			record.deleted == q->query.trash &&
			condition_match(q->condition, t, q->query.scope, &record)) {
			order_position(&q->order, &record, &at);
			g_array_append_val(rows, at);
		}
		buf_free(&room);
	}
	g_array_sort_with_data(rows, compare_positions, &q->order);
	return rows;
}

static bool take_row(void *arg, const struct stored *record)
{
	g_array_append_val((GArray *)arg, record->id);
	return true;
}

/* One page behind a token, which becomes the next one's. */
static void read_page(struct txn *t, struct question *q, struct buf *token, GArray *ids)
{
	struct query_result result;
	struct error e;

	error_init(&e);
	q->query.after = buf_bytes(token);
	if (query_run(t, &q->query, below(4) ? 0 : 1, take_row, ids, &result, &e))
		fail_msg("%s by %s: %s", buf_str(&q->filter), buf_str(&q->sort), e.message);
	buf_clear(token);
	buf_add_bytes(token, buf_bytes(&result.next));
	buf_free(&result.next);
	buf_free(&result.explain);
}

/* Whether the plan says so. */
static bool told(struct txn *t, struct question *q, const char *what)
{
	struct query_result result;
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	bool says;

	q->query.after = (struct bytes){ 0 };
	OK(query_run(t, &q->query, 0, take_row, ids, &result, NULL));
	says = strstr(buf_str(&result.explain), what) != NULL;
	buf_free(&result.next);
	buf_free(&result.explain);
	g_array_free(ids, TRUE);
	return says;
}

static void compare_rows(struct txn *t, struct question *q, const GArray *rows)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	struct buf token = BUF_INIT;

	do {
		read_page(t, q, &token, ids);
	} while (token.len > 0);
	for (guint i = 0; i < MAX(rows->len, ids->len); i++) {
		uint64_t want = i < rows->len ? g_array_index(rows, struct position, i).id : 0;
		uint64_t got = i < ids->len ? g_array_index(ids, uint64_t, i) : 0;
		if (want != got)
			fail_msg("%s \"%s\" by \"%s\", trash %d, way %d, limit %u: row %u is "
				 "%llu, not %llu",
				q->query.entity->name, buf_str(&q->filter), buf_str(&q->sort),
				q->query.trash, q->query.way, q->query.limit, i,
				(unsigned long long)got, (unsigned long long)want);
	}
	g_array_free(ids, TRUE);
	buf_free(&token);
}

static void compare_count(struct txn *t, struct question *q, const GArray *rows)
{
	uint64_t count = 0;

	OK(query_count(t, &q->query, &count, NULL));
	if (count != rows->len)
		fail_msg("%s \"%s\", trash %d: count %llu, not %u", q->query.entity->name,
			buf_str(&q->filter), q->query.trash, (unsigned long long)count, rows->len);
}

static void test_rows_and_counts(void **state)
{
	struct txn *t;

	OK(txn_begin(bed.store, false, &t, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		size_t e = below(3) ? 0 : below((uint32_t)schema_count(bed.schema));
		struct question q;
		ask(&q, schema_at(bed.schema, e));
		GArray *rows = walk_all(t, &q);
		compare_rows(t, &q, rows);
		compare_count(t, &q, rows);
		g_array_free(rows, TRUE);
		forget(&q);
	}
	txn_abort(&t);
}

/* Groups: from the index and from the records. */

struct groups {
	GHashTable *counts; /* run -> number */
	const struct field *by;
};

static void add_group(void *arg, struct bytes run, uint64_t count)
{
	struct groups *g = arg;
	struct buf key = BUF_INIT;
	struct wire_field w;

	if (record_next(&run, &w, NULL)) {
		buf_add_u8(&key, 1);
		if (w.wire == WIRE_BYTES)
			type_normal(g->by, w.bytes, &key);
		else
			buf_add_u64(&key, w.number);
	}
	GBytes *name = g_bytes_new(key.data, key.len);
	uint64_t n = (uint64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(g->counts, name)) + count;
	g_hash_table_insert(g->counts, name, GSIZE_TO_POINTER(n));
	buf_free(&key);
}

static struct groups groups_new(const struct field *by)
{
	return (struct groups){ g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
					(GDestroyNotify)g_bytes_unref, NULL),
		by };
}

/* What stands for a value: of a date its period's first day. */
static struct bytes period_of(const struct query_by *by, struct bytes value, struct buf *room)
{
	struct bytes rest = value;
	struct wire_field w;

	if (!by->months || !record_next(&rest, &w, NULL))
		return value;
	civil_date day = by->field->type == T_DATE ? (civil_date)w.number
						   : zone_date(by->zone, unzigzag(w.number));
	int month = by->months == 12  ? 1
		    : by->months == 3 ? (date_month(day) - 1) / 3 * 3 + 1
				      : date_month(day);
	buf_clear(room);
	record_add_number(room, by->field->tag, (uint64_t)date_make(date_year(day), month, 1));
	return buf_bytes(room);
}

/* The groups by hand: each value of a record counts once. */
static void group_rows(struct txn *t, struct question *q, const GArray *rows,
	const struct query_by *by, struct groups *g)
{
	struct buf period = BUF_INIT;
	struct scope scope = *q->query.scope;

	scope.trash_too = q->query.trash;
	for (guint i = 0; i < rows->len; i++) {
		struct groups one = groups_new(g->by);
		struct buf room = BUF_INIT;
		struct stored record;
		GHashTableIter iter;
		gpointer key;
		OK(store_get(t, &scope, q->query.entity, g_array_index(rows, struct position, i).id,
			&room, &record, NULL));
		struct bytes run = record_run(record.fields, g->by->tag);
		struct wire_field w;
		if (run.len == 0)
			add_group(&one, run, 1);
		while (record_next(&run, &w, NULL))
			add_group(&one, period_of(by, w.whole, &period), 1);
		g_hash_table_iter_init(&iter, one.counts);
		while (g_hash_table_iter_next(&iter, &key, NULL)) {
			gsize n = GPOINTER_TO_SIZE(g_hash_table_lookup(g->counts, key)) + 1;
			g_hash_table_insert(g->counts, g_bytes_ref(key), GSIZE_TO_POINTER(n));
		}
		g_hash_table_destroy(one.counts);
		buf_free(&room);
	}
	buf_free(&period);
}

static void compare_groups(struct txn *t, struct question *q)
{
	static const int months[] = { 0, 1, 3, 12 };
	const struct field *by = any_field(q->query.entity);
	bool date = by->type == T_DATE || by->type == T_DATETIME;
	struct query_by how = { by, date ? months[below(4)] : 0, zone_find("Asia/Shanghai") };
	struct groups want = groups_new(by), got = groups_new(by);
	GArray *rows = walk_all(t, q);
	GHashTableIter iter;
	gpointer key, n;

	group_rows(t, q, rows, &how, &want);
	OK(query_count_by(t, &q->query, &how, add_group, &got, NULL));
	if (g_hash_table_size(want.counts) != g_hash_table_size(got.counts))
		fail_msg("%s \"%s\" by %s: %u groups, not %u", q->query.entity->name,
			buf_str(&q->filter), by->name, g_hash_table_size(got.counts),
			g_hash_table_size(want.counts));
	g_hash_table_iter_init(&iter, want.counts);
	while (g_hash_table_iter_next(&iter, &key, &n)) {
		if (g_hash_table_lookup(got.counts, key) != n)
			fail_msg("%s \"%s\" by %s: a group has %zu, not %zu", q->query.entity->name,
				buf_str(&q->filter), by->name,
				GPOINTER_TO_SIZE(g_hash_table_lookup(got.counts, key)),
				GPOINTER_TO_SIZE(n));
	}
	g_hash_table_destroy(want.counts);
	g_hash_table_destroy(got.counts);
	g_array_free(rows, TRUE);
}

static void test_groups(void **state)
{
	struct txn *t;

	OK(txn_begin(bed.store, false, &t, NULL));
	for (int i = 0; i < ROUNDS / 3; i++) {
		struct question q;
		ask(&q, schema_at(bed.schema, below((uint32_t)schema_count(bed.schema))));
		compare_groups(t, &q);
		forget(&q);
	}
	txn_abort(&t);
}

/* Rows that nothing happens to are given once and in their order, whatever comes and goes between the pages. */

/* change: also records that others may refer to. */
static void disturb(const struct entity *en, bool change, GHashTable *touched)
{
	struct txn *t;
	uint64_t next = 0;

	OK(txn_begin(bed.store, true, &t, NULL));
	OK(store_next_id(t, en, &next, NULL));
	for (uint32_t i = below(4); i > 0; i--) {
		uint64_t id = 0;
		put_random(t, en, 100000 + (uint32_t)next + i, &id);
		g_hash_table_add(touched, GSIZE_TO_POINTER(id));
		id = 1 + below((uint32_t)next - 1);
		trash(t, en, id);
		g_hash_table_add(touched, GSIZE_TO_POINTER(id));
		id = 1 + below((uint32_t)next - 1);
		if (change && store_visible(t, &scope_all, en, id))
			put_random(t, en, 200000 + (uint32_t)id, &id);
		g_hash_table_add(touched, GSIZE_TO_POINTER(id));
	}
	OK(txn_commit(&t, NULL));
}

static void test_pages_between_changes(void **state)
{
	const struct entity *en = schema_at(bed.schema, 0);

	for (int i = 0; i < 25; i++) {
		GHashTable *touched = g_hash_table_new(NULL, NULL);
		GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
		struct buf token = BUF_INIT;
		struct question q;
		struct txn *t;
		guint at = 0;
		int changes = 0;
		ask(&q, en);
		q.query.limit = 1 + below(12);
		OK(txn_begin(bed.store, false, &t, NULL));
		GArray *rows = walk_all(t, &q);
		do {
			read_page(t, &q, &token, ids);
			if (changes++ < 8) {
				txn_reset(t);
				disturb(en, false, touched);
				OK(txn_renew(t, NULL));
			}
		} while (token.len > 0);
		for (guint k = 0; k < ids->len; k++) {
			uint64_t id = g_array_index(ids, uint64_t, k);
			while (at < rows->len &&
				g_hash_table_contains(touched,
					GSIZE_TO_POINTER(
						g_array_index(rows, struct position, at).id)))
				at++;
			if (g_hash_table_contains(touched, GSIZE_TO_POINTER(id)))
				continue;
			if (at == rows->len || g_array_index(rows, struct position, at).id != id)
				fail_msg("\"%s\" by \"%s\", way %d: %llu out of its place",
					buf_str(&q.filter), buf_str(&q.sort), q.query.way,
					(unsigned long long)id);
			at++;
		}
		g_array_free(rows, TRUE);
		g_array_free(ids, TRUE);
		g_hash_table_destroy(touched);
		buf_free(&token);
		txn_abort(&t);
		forget(&q);
	}
}

/* Places that were made once answer for later snapshots. */
static void test_places_after_changes(void **state)
{
	const struct entity *en = schema_at(bed.schema, 0);
	GHashTable *touched = g_hash_table_new(NULL, NULL);
	uint32_t sorted = 0;
	struct txn *t;

	OK(txn_begin(bed.store, false, &t, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		struct question q;
		ask(&q, en);
		q.query.way = 1 + WAY_PLACES;
		q.query.trash = false;
		GArray *rows = walk_all(t, &q);
		sorted += told(t, &q, "by their places");
		compare_rows(t, &q, rows);
		compare_count(t, &q, rows);
		g_array_free(rows, TRUE);
		forget(&q);
		if (below(3) == 0) {
			txn_reset(t);
			disturb(en, true, touched);
			OK(txn_renew(t, NULL));
		}
	}
	assert_true(sorted > ROUNDS / 20);
	txn_abort(&t);
	g_hash_table_destroy(touched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_and_counts),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_pages_between_changes),
		cmocka_unit_test(test_places_after_changes),
	};

	return cmocka_run_group_tests(tests, open_bed, close_bed);
}
