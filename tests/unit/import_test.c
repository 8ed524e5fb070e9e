/* Rows that were checked beside the writer come to what they come to without: whatever is changed between the two. */
#include "server/call/box.h"
#include "server/op/import.h"
#include "tests/unit/op_bench.h"

#define ROWS 6

struct change {
	const char *what, *op, *entity, *record, *set;
};

/* "%" as the record stands for the customer that was there before. */
static const struct change changes[] = {
	{ "nothing", NULL, NULL, NULL, NULL },
	{ "a stranger", "record.add", "customer", "", "name=无关|phone=010-12345678" },
	{ "the same phone", "record.add", "customer", "", "name=别家|phone=0571-88880002" },
	{ "the same phone of a contact", "record.add", "contact", "",
		"customer=1|name=张三|mobile=13800000003" },
	{ "the same name", "record.add", "customer", "", "name=丁公司|phone=010-1" },
	{ "the same external id", "record.add", "customer", "",
		"name=别家|phone=010-2|external_id=I-5" },
	{ "the number that comes next", "record.add", "customer", "",
		"name=别家|phone=010-3|customer_number=C000003" },
	{ "the record that a row names is deleted", "record.delete", "customer", "%", "" },
	{ "it is changed", "record.set", "customer", "%", "phone=0571-88880004" },
	{ "the user that a row names gets another name", "record.set", "user", "2",
		"username=zhang" },
	{ "another user gets that name", "record.add", "user", "",
		"username=wang2|name=二|roles=sales|branch=hz" },
	{ "a setting asks for more", "record.set", "setting", "required.customer.company",
		"value=name,city" },
	{ "an entry is switched off", "record.set", "dictionary_entry", "grade.vip", "active=no" },
	{ "a region is drawn anew", "record.add", "region", "",
		"code=east|name=东区|provinces=浙江" },
};

static const char columns[] = "external_id|name|phone|mobile|grade|owner|employer|province";

static const char *const rows[ROWS] = {
	"I-1|甲公司|0571-88880001||vip|2||浙江",
	"I-2|乙公司|0571-88880002|||||",
	"I-3|丙公司|0571-88880003|13800000003||wang||浙江",
	"I-4|丁公司|0571-88880004|||||",
	"I-5|戊公司|0571-88880005||||C000001|",
	"I-6|己公司|0571-88880002||||wang2|",
};

/* The request as it comes from a client. */
static struct call *rows_call(struct firm *f, const char *args)
{
	struct arena *arena;
	Guanxi__Request *r = request("import.rows", "customer", "", "", args, &arena);
	struct call *c;

	r->column = texts_of(arena, columns, &r->n_column);
	r->row = arena_calloc(arena, ROWS, sizeof(*r->row));
	for (size_t i = 0; i < ROWS; i++) {
		r->row[i] = arena_alloc(arena, sizeof(**r->row));
		guanxi__row__init(r->row[i]);
		r->row[i]->has_line = true;
		r->row[i]->line = (uint32_t)i + 2;
		r->row[i]->cell = texts_of(arena, rows[i], &r->row[i]->n_cell);
	}
	r->n_row = ROWS;
	c = call_new(&f->server, arena, r);
	c->caller = f->admin;
	c->now_ms = f->now_ms;
	return c;
}

static void author_of(struct firm *f, struct call *c)
{
	c->author = (struct author){
		.user = f->admin->user, .session = f->admin->session, .now_ms = f->now_ms
	};
}

static void prepare(struct firm *f, struct call *c)
{
	struct txn *t;

	author_of(f, c);
	assert_int_equal(txn_begin(f->b->store, false, &t, &f->e), STATUS_OK);
	call_bind(c, t);
	assert_int_equal(op_find(bytes_str("import.rows"))->prepare(c, &f->e), STATUS_OK);
	call_end_run(c);
	txn_abort(&t);
}

static void begin(struct firm *f)
{
	assert_int_equal(txn_begin(f->b->store, true, &f->b->txn, &f->e), STATUS_OK);
}

static void make_change(struct firm *f, const struct change *change)
{
	if (!change->op)
		return;
	struct ask a = ask(f, f->admin, change->op, change->entity,
		strcmp(change->record, "%") ? change->record : "1", change->set, "");
	if (a.status)
		fail_msg("%s: %s %s %s", change->what, f->e.message,
			f->e.nfields ? f->e.fields[0].field : "",
			f->e.nfields ? f->e.fields[0].message : "");
	done(&a);
}

static void add_row(struct buf *out, const Guanxi__RowResult *r)
{
	buf_printf(out, "%u %d %.*s %llu %.*s\n", (unsigned)r->line, (int)r->status->code,
		(int)r->action.len, (const char *)r->action.data, (unsigned long long)r->id,
		(int)r->status->message.len, (const char *)r->status->message.data);
	for (size_t i = 0; i < r->status->n_field; i++)
		buf_printf(out, "  %.*s %.*s\n", (int)r->status->field[i]->field.len,
			(const char *)r->status->field[i]->field.data,
			(int)r->status->field[i]->message.len,
			(const char *)r->status->field[i]->message.data);
}

/* Every record of the store, in hexadecimal. */
static void add_records(struct firm *f, struct buf *out)
{
	static const enum space spaces[] = { SPACE_REC, SPACE_CALC, SPACE_UNIQ };
	struct buf value = BUF_INIT;
	struct bytes key;
	struct walk *w;

	for (size_t s = 0; s < 3; s++) {
		assert_int_equal(
			walk_open(f->b->txn, spaces[s], bytes_str(""), &w, &f->e), STATUS_OK);
		while (walk_next(w, &key)) {
			for (size_t i = 0; i < key.len; i++)
				buf_printf(out, "%02x", key.data[i]);
			assert_int_equal(walk_value(w, &value, &f->e), STATUS_OK);
			for (size_t i = 0; i < value.len; i++)
				buf_printf(out, "%s%02x", i ? "" : " ", value.data[i]);
			buf_add_str(out, "\n");
		}
		walk_close(&w);
	}
	buf_free(&value);
}

/* How many rows were taken without being checked again. */
static size_t held(const struct call *c)
{
	const struct ready *ready = c->prepared;
	size_t n = 0;

	for (size_t i = 0; ready && i < ROWS; i++)
		n += ready->rows[i].checked &&
		     reads_hold(c->txn, ready->snapshot, &ready->rows[i].reads) &&
		     reads_hold(c->txn, ready->snapshot, &ready->shared);
	return n;
}

/* What the rows come to after the change, which is thrown away again. */
static void outcome(
	struct firm *f, struct call *c, const struct change *change, size_t *n, struct buf *out)
{
	begin(f);
	make_change(f, change);
	author_of(f, c);
	call_bind(c, f->b->txn);
	*n = held(c);
	assert_int_equal(op_find(bytes_str("import.rows"))->run(c, &f->e), STATUS_OK);
	for (size_t i = 0; i < c->reply->n_row; i++)
		add_row(out, c->reply->row[i]);
	call_end_run(c);
	add_records(f, out);
	txn_abort(&f->b->txn);
}

static void compare(struct firm *f, const struct change *change, const char *args, size_t *n)
{
	struct call *plain = rows_call(f, args), *prepared = rows_call(f, args);
	struct buf want = BUF_INIT, got = BUF_INIT;
	size_t none;

	prepare(f, prepared);
	outcome(f, plain, change, &none, &want);
	outcome(f, prepared, change, n, &got);
	if (!bytes_equal(buf_bytes(&want), buf_bytes(&got)))
		fail_msg("%s, %s: wanted\n%s\ngot\n%s", change->what, args, buf_str(&want),
			buf_str(&got));
	buf_free(&want);
	buf_free(&got);
	call_free(&plain);
	call_free(&prepared);
}

static void whatever_changes_before_the_writer_has_them(void **state)
{
	static const char *const args[] = { "key=external_id", "",
		"key=external_id|on_conflict=update", "key=external_id|on_conflict=skip" };
	struct firm *f = *state;
	size_t n, fewer = 0;

	add(f, f->admin, "customer", "name=老客户|phone=0571-80000000|external_id=I-4");
	lookup_free(&f->b->lookup);
	assert_int_equal(txn_commit(&f->b->txn, &f->e), STATUS_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
		for (size_t k = i; k < i + 2; k++) {
			compare(f, &changes[i], args[k % G_N_ELEMENTS(args)], &n);
			if (i < 2)
				assert_true(n >= 3);
			else
				fewer += n < ROWS;
		}
	assert_true(fewer > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			whatever_changes_before_the_writer_has_them, setup, teardown),
	};

	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
