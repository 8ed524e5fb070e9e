/* The schema as a whole: generations under readers, and values of every type there and back. */
#include "server/store/generation.h"
#include "tests/unit/model_bench.h"

#include <glib.h>
#include <pthread.h>

#define PUBLISHED 300

struct reading {
	struct store *store;
	atomic_bool stop;
	atomic_size_t begun;
};

/* Every field of every entity is touched: under the sanitizer a generation freed too early ends the test. */
static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct txn *t = NULL;
	size_t fields;

	while (!atomic_load(&r->stop)) {
		if (txn_begin(r->store, false, &t, NULL))
			return r;
		for (int turn = 0; turn < 3; turn++) {
			fields = 0;
			for (size_t i = 0; i < schema_count(txn_schema(t)); i++)
				fields += schema_at(txn_schema(t), i)->fields[0].tag != 0;
			txn_reset(t);
			if (fields == 0 || txn_renew(t, NULL))
				return r;
		}
		struct generation *kept = txn_generation(t);
		generation_keep(kept);
		txn_abort(&t);
		if (schema_count(generation_schema(kept)) == 0)
			return r;
		generation_give(&kept);
		atomic_fetch_add(&r->begun, 1);
	}
	return NULL;
}

static void readers_hold_what_they_took(void **state)
{
	struct bench *b = bench_open();
	struct reading r = { .store = b->store };
	struct generation *g;
	pthread_t threads[2];
	void *failed;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
	for (int i = 0; i < PUBLISHED; i++) {
		assert_int_equal(generation_first(b->store, &g, &b->e), STATUS_OK);
		while (!generation_room(b->store->generations))
			;
		assert_int_equal(generation_publish(b->store->generations, g, &b->e), STATUS_OK);
	}
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	size_t alive = 0;
	for (size_t i = 0; i < GENERATIONS; i++)
		alive += atomic_load(&b->store->generations->slots[i]) != NULL;
	assert_true(alive <= 2); /* the current one, and that of the bench's own transaction */
	bench_close(b);
}

/* A use of an entry is found through the index alone. */
static void every_choice_is_indexed(void **state)
{
	struct bench *b = bench_open();
	size_t bad = 0;

	for (size_t i = 0; i < schema_count(b->schema); i++) {
		const struct entity *en = schema_at(b->schema, i);
		for (size_t k = 0; k < en->nfields; k++) {
			const struct field *f = &en->fields[k];
			bool choice = f->type == T_CHOICE || f->type == T_CHOICES;
			if (choice && !(f->flags & (F_INDEXED | F_COMPUTED)))
				print_message("%s.%s is not indexed\n", en->name, f->name), bad++;
		}
	}
	assert_int_equal(bad, 0);
	bench_close(b);
}

/* What is printed of a value is read as the same value. */
static void there_and_back(void **state)
{
	static const struct {
		enum field_type type;
		const char *good; /* separated by \n */
		const char *bad;
	} rows[] = {
		{ T_TEXT, "a\n长河\n😀𠮷", "two\x01\n\u202e\xe2\x80\xae\na\xff\n\xed\xa0\x80" },
		{ T_LONG_TEXT, "a\n长河", "\x07\na\xc0\xaf" },
		{ T_INTEGER, "0\n-1\n9223372036854775807", "1.5\n9223372036854775808\nx\n--1" },
		{ T_DECIMAL, "3\n12.5\n-0.0001", "1.23456\nx\n1e3" },
		{ T_MONEY, "1234.50\n0.01\n-7.00", "1.234\nx\n1,2,3.4.5" },
		{ T_PERCENT, "0.9\n0.1234\n1", "9\n90\nx" },
		{ T_DATE, "2024-02-29\n1999-12-31", "2023-02-29\n2024-13-01\n2024-00-10\nx" },
		{ T_TIME, "09:00\n23:59", "24:00\n12:60\nx" },
		{ T_BIRTHDAY, "1987-07-26\n02-29\nlunar:08-15\nlunar:1987-L06-01\nlunar:12-30",
			"02-30\nlunar:13-01\nlunar:01-31\nlunar:1987-L05-01\n1987-02-29" },
		{ T_BOOL, "true\nfalse", "maybe\n2" },
		{ T_PHONE, "0571-88880000\n+86 13800000001", "12\nabc\n123456789012345678901" },
		{ T_EMAIL, "a@b.cn", "a@\n@b\na b@c.cn" },
		{ T_URL, "https://a.cn/x", "a b" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct field f = { .tag = 1, .name = "f", .type = rows[i].type };
		char **good = g_strsplit(rows[i].good, "\n", -1);
		char **bad = g_strsplit(rows[i].bad, "\n", -1);
		for (char **v = good; *v; v++) {
			struct buf wire = BUF_INIT, text = BUF_INIT, again = BUF_INIT;
			struct error e;
			error_init(&e);
			if (type_parse(&f, bytes_str(*v), NULL, &wire, &e))
				fail_msg("%s: \"%s\" is refused", type_name(f.type), *v);
			type_format_run(&f, buf_bytes(&wire), FORM_CODE, NULL, &text);
			assert_int_equal(type_parse(&f, buf_bytes(&text), NULL, &again, &e), 0);
			assert_true(bytes_equal(buf_bytes(&wire), buf_bytes(&again)));
			buf_free(&wire);
			buf_free(&text);
			buf_free(&again);
			error_clear(&e);
		}
		for (char **v = bad; *v; v++) {
			struct buf wire = BUF_INIT;
			struct error e;
			error_init(&e);
			if (!type_parse(&f, bytes_str(*v), NULL, &wire, &e))
				fail_msg("%s: \"%s\" is taken", type_name(f.type), *v);
			assert_int_equal(wire.len, 0);
			buf_free(&wire);
			error_clear(&e);
		}
		g_strfreev(good);
		g_strfreev(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_hold_what_they_took),
		cmocka_unit_test(every_choice_is_indexed),
		cmocka_unit_test(there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
