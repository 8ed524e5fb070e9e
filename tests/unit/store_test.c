/* Records: what a put derives, who sees what, and that a refusal leaves nothing. */
#include "common/type.h"
#include "server/store/posting.h"
#include "tests/fault/store_bench.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (64u << 20)
#define OK(x) assert_int_equal((x), STATUS_OK)

static struct store_bench b;

static int open_bench(void **state)
{
	(void)state;
	bench_open(&b, &engine_lmdb, MAP);
	return 0;
}

static int close_bench(void **state)
{
	(void)state;
	bench_close(&b);
	return 0;
}

static struct bytes text_run(struct buf *out, uint32_t tag, const char *text)
{
	buf_clear(out);
	record_add_text(out, tag, bytes_str(text));
	return buf_bytes(out);
}

static struct bytes number_run(struct buf *out, uint32_t tag, uint64_t v)
{
	buf_clear(out);
	record_add_number(out, tag, v);
	return buf_bytes(out);
}

/* How many index entries have this prefix. */
static size_t entries(struct txn *t, const struct key *prefix)
{
	struct posting_walk *w;
	uint64_t id;
	size_t n = 0;

	OK(posting_open_all(t, SPACE_IDX, key_bytes(prefix), &w, NULL));
	while (posting_next(w, &id))
		n++;
	posting_close(&w);
	return n;
}

static size_t find(struct txn *t, const char *field, struct bytes run)
{
	uint64_t ids[16];

	return store_find_equal(
		t, b.customer, entity_field_named(b.customer, field), run, 0, ids, 16);
}

static void test_adds_and_reads_back(void **state)
{
	struct buf buf = BUF_INIT;
	struct stored s;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 2, 1);

	assert_int_equal(id, 1);
	assert_int_equal(bench_add_customer(&b, t, 2, 2, 1), 2);
	bench_commit(&t);
	assert_int_equal(store_last_seq(b.store), 7);
	t = bench_begin(&b, false);
	OK(store_get(t, &scope_all, b.customer, id, &buf, &s, NULL));
	assert_int_equal(s.version, 1);
	assert_false(s.deleted);
	assert_true(bytes_equal_str(record_text(s.fields, CUSTOMER_CODE), "C000001"));
	assert_int_equal(record_number(s.fields, TAG_CREATED_BY), 1);
	assert_true(record_has(s.fields, TAG_UPDATED_AT));
	assert_true(record_well_formed(s.fields));
	assert_int_equal(
		store_get(t, &scope_all, b.customer, 99, &buf, &s, NULL), STATUS_NOT_FOUND);
	txn_abort(&t);
	bench_reopen(&b);
	t = bench_begin(&b, true);
	assert_int_equal(bench_add_customer(&b, t, 3, 0, 0), 3);
	bench_commit(&t);
	assert_int_equal(store_last_seq(b.store), 8);
	buf_free(&buf);
}

static void test_version_changes_with_entered_fields_only(void **state)
{
	struct buf buf = BUF_INIT, run = BUF_INIT;
	struct stored s;
	bool unchanged = false;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 0, 0);

	OK(store_get(t, &scope_all, b.customer, id, &buf, &s, NULL));
	b.author.now_ms += 1000;
	txn_mark(t);
	OK(store_put(t, &b.author, b.customer, &id, "set", s.fields, &unchanged, NULL));
	assert_true(unchanged);
	assert_false(txn_wrote(t));
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_CITY,
		text_run(&run, CUSTOMER_CITY, "上海"), NULL));
	assert_true(txn_wrote(t));
	OK(store_get(t, &scope_all, b.customer, id, &buf, &s, NULL));
	assert_int_equal(s.version, 2);
	buf_clear(&run);
	record_add_signed(&run, CUSTOMER_SCORE, 77);
	OK(store_put_computed(t, b.customer, id, buf_bytes(&run), NULL));
	OK(store_get(t, &scope_all, b.customer, id, &buf, &s, NULL));
	assert_int_equal(s.version, 2);
	assert_int_equal(record_signed(s.fields, CUSTOMER_SCORE), 77);
	assert_true(record_well_formed(s.fields));
	assert_int_equal(find(t, "score", buf_bytes(&run)), 1);
	bench_commit(&t);
	buf_free(&buf);
	buf_free(&run);
}

static void test_index_follows_the_record(void **state)
{
	struct buf run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 0, 0);

	assert_int_equal(find(t, "city", text_run(&run, CUSTOMER_CITY, "成都")), 1);
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "hot")), 1);
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "new")), 1);
	assert_int_equal(find(t, "phone", text_run(&run, CUSTOMER_PHONE, "13800000001")), 1);
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_TAGS,
		text_run(&run, CUSTOMER_TAGS, "cold"), NULL));
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "hot")), 0);
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "cold")), 1);
	OK(bench_delete(&b, t, b.customer, id, NULL));
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "cold")), 0);
	struct key trash = key_index(b.customer->number, TAG_DELETED_AT);
	assert_int_equal(entries(t, &trash), 1);
	OK(bench_restore(&b, t, b.customer, id, NULL));
	assert_int_equal(find(t, "tags", text_run(&run, CUSTOMER_TAGS, "cold")), 1);
	assert_int_equal(entries(t, &trash), 0);
	bench_commit(&t);
	buf_free(&run);
}

/* The phone of a person must not stand readable in a key. */
static void test_personal_values_are_hashed(void **state)
{
	struct txn *t = bench_begin(&b, true);
	struct key prefix = key_index(b.customer->number, CUSTOMER_PHONE);
	struct posting_walk *w;
	uint64_t id;

	bench_add_customer(&b, t, 1, 0, 0);
	OK(posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &w, NULL));
	assert_true(posting_next(w, &id));
	assert_int_equal(posting_list(w).len, 4 + KEY_INDEX_HASH);
	assert_null(memmem(posting_list(w).data, posting_list(w).len, "138", 3));
	posting_close(&w);
	txn_abort(&t);
}

static void test_unique_values(void **state)
{
	const struct field *code = entity_field_named(b.customer, "code");
	struct buf fields = BUF_INIT, run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t one = bench_add_customer(&b, t, 1, 0, 0), id = 0;
	struct error e;

	error_init(&e);
	bench_customer_fields(1, 0, 0, &fields);
	txn_mark(t);
	assert_int_equal(bench_put(&b, t, b.customer, &id, "add", &fields, &e), STATUS_DUPLICATE);
	assert_int_equal(e.nfields, 1);
	assert_string_equal(e.fields[0].field, "code");
	assert_false(txn_wrote(t));
	OK(store_find_unique(t, b.customer, code, bytes_str("C000001"), &id, NULL));
	assert_int_equal(id, one);
	OK(bench_set(&b, t, b.customer, one, "set", CUSTOMER_CODE,
		text_run(&run, CUSTOMER_CODE, "C9"), NULL));
	assert_int_equal(store_find_unique(t, b.customer, code, bytes_str("C000001"), &id, NULL),
		STATUS_NOT_FOUND);
	bench_commit(&t);
	error_clear(&e);
	buf_free(&fields);
	buf_free(&run);
}

static bool sees(struct txn *t, const struct scope *scope, const struct entity *en, uint64_t id)
{
	struct buf buf = BUF_INIT;
	struct stored s;
	bool visible = store_visible(t, scope, en, id);

	assert_int_equal(store_get(t, scope, en, id, &buf, &s, NULL),
		visible ? STATUS_OK : STATUS_NOT_FOUND);
	buf_free(&buf);
	return visible;
}

static uint64_t add_child(struct txn *t, const struct entity *en, uint32_t tag, uint64_t parent)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&fields, 1, bytes_str("child"));
	record_add_number(&fields, tag, parent);
	OK(bench_put(&b, t, en, &id, "add", &fields, NULL));
	buf_free(&fields);
	return id;
}

static void test_scope_of_a_customer_and_what_follows_it(void **state)
{
	uint64_t branch_of[] = { 1 };
	struct scope wang = { .user = 2, .own = true }, li = { .user = 3, .own = true };
	struct scope hangzhou = { .branches = branch_of, .nbranches = 1 };
	struct scope pool = { .pool_branch = 1 };
	struct buf run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 2, 1);
	uint64_t contact = add_child(t, b.contact, CONTACT_CUSTOMER, id);
	uint64_t task = add_child(t, b.task, TASK_CONTACT, contact);

	assert_true(sees(t, &wang, b.customer, id) && sees(t, &wang, b.contact, contact));
	assert_true(sees(t, &wang, b.task, task) && sees(t, &hangzhou, b.task, task));
	assert_false(sees(t, &li, b.customer, id) || sees(t, &li, b.task, task));
	assert_false(sees(t, &pool, b.customer, id));
	assert_true(sees(t, &li, b.user, 2));
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_OWNER,
		number_run(&run, CUSTOMER_OWNER, 3), NULL));
	assert_false(sees(t, &wang, b.contact, contact) || sees(t, &wang, b.task, task));
	assert_true(sees(t, &li, b.contact, contact) && sees(t, &li, b.task, task));
	OK(bench_set(&b, t, b.task, task, "set", TASK_ASSIGNEE, number_run(&run, TASK_ASSIGNEE, 2),
		NULL));
	assert_true(sees(t, &wang, b.task, task));
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_OWNER, (struct bytes){ 0 }, NULL));
	assert_true(sees(t, &pool, b.customer, id) && sees(t, &pool, b.contact, contact));
	assert_false(sees(t, &li, b.customer, id));
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	buf_free(&run);
}

static void test_trash_is_seen_by_those_who_ask_for_it(void **state)
{
	struct scope wang = { .user = 2, .own = true }, wang_trash = wang;
	struct scope li_trash = { .user = 3, .own = true, .trash_too = true };
	struct buf run = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = bench_add_customer(&b, t, 1, 2, 1);
	uint64_t contact = add_child(t, b.contact, CONTACT_CUSTOMER, id);

	wang_trash.trash_too = true;
	OK(bench_delete(&b, t, b.contact, contact, NULL));
	assert_false(sees(t, &wang, b.contact, contact));
	assert_true(sees(t, &wang_trash, b.contact, contact));
	assert_false(sees(t, &li_trash, b.contact, contact));
	OK(bench_set(&b, t, b.customer, id, "set", CUSTOMER_OWNER,
		number_run(&run, CUSTOMER_OWNER, 3), NULL));
	assert_false(sees(t, &wang_trash, b.contact, contact));
	assert_true(sees(t, &li_trash, b.contact, contact));
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	buf_free(&run);
}

static void refused(struct txn *t, const struct buf *fields, enum status want)
{
	uint64_t id = 0;

	txn_mark(t);
	assert_int_equal(bench_put(&b, t, b.customer, &id, "add", fields, NULL), want);
	assert_false(txn_wrote(t));
	assert_int_equal(id, 0);
}

static void test_refuses_what_is_no_record(void **state)
{
	struct buf fields = BUF_INIT, large = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	uint64_t id = 77;

	buf_add_str(&fields, "\x0a\x50short");
	refused(t, &fields, STATUS_INVALID);
	buf_clear(&fields);
	record_add_number(&fields, 555, 1);
	refused(t, &fields, STATUS_INVALID);
	buf_clear(&fields);
	record_add_number(&fields, CUSTOMER_NAME, 1);
	refused(t, &fields, STATUS_INVALID);
	buf_clear(&fields);
	record_add_text(&fields, CUSTOMER_CITY, bytes_str("a"));
	record_add_text(&fields, CUSTOMER_CITY, bytes_str("b"));
	refused(t, &fields, STATUS_INVALID);
	buf_clear(&fields);
	for (size_t i = 0; i < 3000; i++) {
		char tag[100];
		snprintf(tag, sizeof(tag), "%090zu", i);
		record_add_text(&large, CUSTOMER_TAGS, bytes_str(tag));
	}
	refused(t, &large, STATUS_INVALID);
	assert_int_equal(bench_put(&b, t, b.customer, &id, "set", &fields, NULL), STATUS_NOT_FOUND);
	bench_commit(&t);
	buf_free(&fields);
	buf_free(&large);
}

static void test_walks_both_ways_and_through_deletions(void **state)
{
	struct txn *t = bench_begin(&b, true);
	struct bytes key, none = { 0 };
	struct walk *w;
	char expected = 'a';

	for (char c = 'a'; c <= 'e'; c++) {
		char k[2] = { 'x', c };
		OK(txn_put(t, SPACE_AUTH, bytes_of(k, 2), bytes_str("v"), NULL));
	}
	OK(txn_put(t, SPACE_AUTH, bytes_str("w"), none, NULL));
	OK(txn_put(t, SPACE_AUTH, bytes_str("y"), none, NULL));
	OK(walk_open(t, SPACE_AUTH, bytes_str("x"), &w, NULL));
	while (walk_next(w, &key)) {
		assert_int_equal(key.len, 2);
		assert_int_equal(key.data[1], expected++);
		if (key.data[1] != 'c')
			OK(txn_del(t, SPACE_AUTH, bytes_of((char[]){ 'x', (char)key.data[1] }, 2),
				NULL));
	}
	assert_int_equal(expected, 'f');
	walk_seek_back(w, bytes_str("zz"));
	assert_true(walk_prev(w, &key));
	assert_true(bytes_equal_str(key, "xc"));
	assert_false(walk_prev(w, &key));
	walk_seek(w, bytes_str("a"));
	assert_true(walk_next(w, &key));
	assert_true(bytes_equal_str(key, "xc"));
	walk_close(&w);
	OK(walk_open(t, SPACE_AUTH, none, &w, NULL));
	assert_true(walk_prev(w, &key));
	assert_true(bytes_equal_str(key, "y"));
	walk_close(&w);
	txn_abort(&t);
}

static void test_a_second_creation_is_refused(void **state)
{
	struct store_bench other = b;

	other.store = NULL;
	assert_int_equal(bench_open_at(&other, b.path, true, false, NULL), STATUS_CONFLICT);
	assert_null(other.store);
	assert_int_equal(
		bench_open_at(&other, "/tmp/nowhere/store", false, false, NULL), STATUS_NOT_FOUND);
}

/* What a creation that was cut off leaves must not stand in the way of the next. */
static void test_creation_starts_anew_after_a_cut(void **state)
{
	struct store_bench other = b;
	char path[128], left[160], file[200];

	snprintf(path, sizeof(path), "%s/second", b.dir);
	snprintf(left, sizeof(left), "%s.new", path);
	snprintf(file, sizeof(file), "%s/data.mdb", left);
	assert_int_equal(mkdir(left, 0700), 0);
	FILE *f = fopen(file, "w");
	fputs("half a page", f);
	fclose(f);
	assert_int_equal(bench_open_at(&other, path, false, false, NULL), STATUS_NOT_FOUND);
	OK(bench_open_at(&other, path, true, false, NULL));
	store_close(&other.store);
	assert_int_not_equal(access(left, F_OK), 0);
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock.mdb", path);
	unlink(file);
	rmdir(path);
}

static void test_another_key_does_not_open_it(void **state)
{
	struct store_options o = { .path = b.path, .map_size = MAP, .schema = b.schema };
	struct store *s = NULL;

	store_close(&b.store);
	memset(o.key, 8, sizeof(o.key));
	assert_int_equal(store_open(&o, &s, NULL), STATUS_INTERNAL);
	assert_null(s);
	bench_reopen(&b);
}

/* A copy made while the store is open is a store of its own, and sound. */
static void test_a_backup_opens_and_is_sound(void **state)
{
	char home[128], file[160];
	struct store_bench copy = b;
	struct txn *t = bench_begin(&b, true);

	bench_add_customer(&b, t, 1, 2, 1);
	bench_commit(&t);
	snprintf(home, sizeof(home), "%s/copy", b.dir);
	snprintf(file, sizeof(file), "%s/data.mdb", home);
	assert_int_equal(mkdir(home, 0700), 0);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	OK(store_backup(b.store, fd, NULL));
	close(fd);
	OK(bench_open_at(&copy, home, false, false, NULL));
	assert_int_equal(bench_check(&copy), 0);
	assert_int_equal(store_last_seq(copy.store), store_last_seq(b.store));
	store_close(&copy.store);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock.mdb", home);
	unlink(file);
	rmdir(home);
}

static enum status refuse(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	size_t *calls = arg;

	assert_true((before == NULL) == (after->version == 1));
	return ++*calls == 2 ? error_set(e, STATUS_INVALID, "no") : STATUS_OK;
}

/* A put that fails after it has written must never be committed by mistake. */
static void test_an_observers_error_undoes_the_transaction(void **state)
{
	struct buf fields = BUF_INIT;
	struct txn *t = bench_begin(&b, true);
	size_t calls = 0;
	uint64_t id = 0;

	store_observe(b.store, refuse, &calls);
	bench_add_customer(&b, t, 1, 0, 0);
	bench_customer_fields(2, 0, 0, &fields);
	assert_int_equal(bench_put(&b, t, b.customer, &id, "add", &fields, NULL), STATUS_INVALID);
	assert_int_equal(txn_commit(&t, NULL), STATUS_INVALID);
	assert_null(t);
	store_observe(b.store, NULL, NULL);
	t = bench_begin(&b, false);
	assert_false(store_visible(t, &scope_all, b.customer, 1));
	txn_abort(&t);
	buf_free(&fields);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

static uint64_t code_holder(struct txn *t)
{
	uint64_t id = 0;

	store_find_unique(t, b.customer, entity_field_named(b.customer, "code"),
		bytes_str("C000001"), &id, NULL);
	return id;
}

static uint64_t add_again(struct txn *t, enum status wanted)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	bench_customer_fields(1, 0, 0, &fields);
	assert_int_equal(bench_put(&b, t, b.customer, &id, "add", &fields, NULL), wanted);
	buf_free(&fields);
	return id;
}

/* A live record goes before those in the trash, and the one that was deleted last before the others there. */
static void test_values_of_the_trash_are_free(void **state)
{
	const struct field *code = entity_field_named(b.customer, "code");
	struct txn *t = bench_begin(&b, true);
	uint64_t one = add_again(t, STATUS_OK), two, three;
	struct buf run = BUF_INIT, room = BUF_INIT;
	struct stored r;

	OK(bench_delete(&b, t, b.customer, one, NULL));
	assert_int_equal(code_holder(t), one);
	two = add_again(t, STATUS_OK);
	assert_int_equal(code_holder(t), two);
	add_again(t, STATUS_DUPLICATE);
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	t = bench_begin(&b, true);
	assert_int_equal(bench_restore(&b, t, b.customer, one, NULL), STATUS_DUPLICATE);
	assert_false(txn_wrote(t));
	OK(store_get(t, &scope_all, b.customer, one, &room, &r, NULL));
	assert_int_equal(store_unique_holder(t, b.customer, code, one, r.fields), two);
	assert_int_equal(store_unique_holder(t, b.customer, code, two, r.fields), 0);
	OK(bench_delete(&b, t, b.customer, two, NULL));
	assert_int_equal(code_holder(t), two);
	OK(bench_restore(&b, t, b.customer, one, NULL));
	assert_int_equal(code_holder(t), one);
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	t = bench_begin(&b, true);
	OK(bench_delete(&b, t, b.customer, one, NULL));
	three = add_again(t, STATUS_OK);
	OK(bench_set(&b, t, b.customer, one, "set", CUSTOMER_CODE,
		text_run(&run, CUSTOMER_CODE, "C9"), NULL));
	OK(bench_set(&b, t, b.customer, three, "set", CUSTOMER_CODE,
		text_run(&run, CUSTOMER_CODE, "C9"), NULL));
	assert_int_equal(code_holder(t), two);
	OK(bench_restore(&b, t, b.customer, two, NULL));
	bench_commit(&t);
	assert_int_equal(bench_check(&b), 0);
	buf_free(&run);
	buf_free(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_adds_and_reads_back),
		TEST(test_version_changes_with_entered_fields_only),
		TEST(test_index_follows_the_record),
		TEST(test_personal_values_are_hashed),
		TEST(test_unique_values),
		TEST(test_values_of_the_trash_are_free),
		TEST(test_scope_of_a_customer_and_what_follows_it),
		TEST(test_trash_is_seen_by_those_who_ask_for_it),
		TEST(test_refuses_what_is_no_record),
		TEST(test_walks_both_ways_and_through_deletions),
		TEST(test_a_second_creation_is_refused),
		TEST(test_creation_starts_anew_after_a_cut),
		TEST(test_another_key_does_not_open_it),
		TEST(test_a_backup_opens_and_is_sound),
		TEST(test_an_observers_error_undoes_the_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
