/* What every engine must do: the same tests over each of them. */
#include "tests/fault/engine_fault.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define MAP (16u << 20)

struct bench {
	const struct engine_ops *ops;
	char path[64];
	struct engine *engine;
};

static const struct engine_ops *const engines[] = { &engine_lmdb, &engine_fault };

static void remove_files(const char *path)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char file[128];

	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		unlink(file);
	}
	rmdir(path);
}

static struct bench open_bench(const struct engine_ops *ops)
{
	struct bench b = { .ops = ops, .path = "/tmp/engine_test.XXXXXX" };

	assert_non_null(mkdtemp(b.path));
	fault_arm(FAULT_NONE, 0);
	assert_int_equal(ops->open(b.path, MAP, false, &b.engine, NULL), STATUS_OK);
	return b;
}

static void close_bench(struct bench *b)
{
	b->ops->close(&b->engine);
	assert_null(b->engine);
	b->ops->close(&b->engine);
	remove_files(b->path);
}

static struct engine_txn *begin(struct bench *b, bool write)
{
	struct engine_txn *t = NULL;

	assert_int_equal(b->ops->begin(b->engine, write, &t, NULL), STATUS_OK);
	return t;
}

static void put(struct bench *b, struct engine_txn *t, const char *k, const char *v)
{
	assert_int_equal(b->ops->put(t, SPACE_META, bytes_str(k), bytes_str(v), NULL), STATUS_OK);
}

static void commit(struct bench *b, struct engine_txn **t)
{
	assert_int_equal(b->ops->commit(t, NULL), STATUS_OK);
	assert_null(*t);
}

static void expect(struct bench *b, struct engine_txn *t, const char *k, const char *v)
{
	struct bytes got;
	enum status s = b->ops->get(t, SPACE_META, bytes_str(k), &got, NULL);

	assert_int_equal(s, v ? STATUS_OK : STATUS_NOT_FOUND);
	if (v)
		assert_true(bytes_equal_str(got, v));
}

static void reads_what_was_written(struct bench *b)
{
	struct engine_txn *t = begin(b, true);

	put(b, t, "a", "1");
	put(b, t, "b", "");
	put(b, t, "a", "2");
	expect(b, t, "a", "2");
	commit(b, &t);
	t = begin(b, false);
	expect(b, t, "a", "2");
	expect(b, t, "b", "");
	expect(b, t, "c", NULL);
	b->ops->abort(&t);
	t = begin(b, true);
	assert_int_equal(b->ops->del(t, SPACE_META, bytes_str("a"), NULL), STATUS_OK);
	assert_int_equal(b->ops->del(t, SPACE_META, bytes_str("a"), NULL), STATUS_NOT_FOUND);
	expect(b, t, "a", NULL);
	commit(b, &t);
}

static void keeps_spaces_apart(struct bench *b)
{
	struct engine_txn *t = begin(b, true);
	struct bytes got;

	for (int s = 0; s < SPACE_COUNT; s++) {
		assert_non_null(space_names[s]);
		assert_int_equal(b->ops->put(t, (enum space)s, bytes_str("k"),
					 bytes_str(space_names[s]), NULL),
			STATUS_OK);
	}
	commit(b, &t);
	t = begin(b, false);
	for (int s = 0; s < SPACE_COUNT; s++) {
		assert_int_equal(b->ops->get(t, (enum space)s, bytes_str("k"), &got, NULL), 0);
		assert_true(bytes_equal_str(got, space_names[s]));
	}
	b->ops->abort(&t);
}

static void forgets_what_was_aborted(struct bench *b)
{
	struct engine_txn *t = begin(b, true);

	put(b, t, "a", "1");
	b->ops->abort(&t);
	assert_null(t);
	b->ops->abort(&t);
	t = begin(b, false);
	expect(b, t, "a", NULL);
	b->ops->abort(&t);
}

static void readers_keep_their_snapshot(struct bench *b)
{
	struct engine_txn *w = begin(b, true), *r;

	put(b, w, "a", "1");
	commit(b, &w);
	r = begin(b, false);
	w = begin(b, true);
	put(b, w, "a", "2");
	expect(b, r, "a", "1");
	commit(b, &w);
	expect(b, r, "a", "1");
	b->ops->reset(r);
	assert_int_equal(b->ops->renew(r, NULL), STATUS_OK);
	expect(b, r, "a", "2");
	b->ops->abort(&r);
}

static void step(enum status s, struct bytes k, const char *want)
{
	assert_int_equal(s, want ? STATUS_OK : STATUS_NOT_FOUND);
	if (want)
		assert_true(bytes_equal_str(k, want));
}

static void walks_in_order(struct bench *b)
{
	static const char *const keys[] = { "d", "b", "bb", "a" };
	struct engine_txn *t = begin(b, true);
	struct engine_cursor *c;
	struct bytes k, v, none = { 0 };
	const struct engine_ops *o = b->ops;

	assert_int_equal(o->cursor(t, SPACE_IDX, &c, NULL), STATUS_OK);
	step(o->seek(c, none, &k, &v), k, NULL);
	step(o->seek_before(c, none, &k, &v), k, NULL);
	o->cursor_close(&c);
	for (int i = 0; i < 4; i++)
		o->put(t, SPACE_IDX, bytes_str(keys[i]), bytes_str("v"), NULL);
	assert_int_equal(o->cursor(t, SPACE_IDX, &c, NULL), STATUS_OK);
	step(o->seek(c, none, &k, &v), k, "a");
	step(o->next(c, &k, &v), k, "b");
	step(o->next(c, &k, &v), k, "bb");
	step(o->next(c, &k, &v), k, "d");
	assert_true(bytes_equal_str(v, "v"));
	step(o->next(c, &k, &v), k, NULL);
	step(o->seek(c, bytes_str("ba"), &k, &v), k, "bb");
	step(o->prev(c, &k, &v), k, "b");
	step(o->seek(c, bytes_str("e"), &k, &v), k, NULL);
	step(o->seek_before(c, bytes_str("e"), &k, &v), k, "d");
	step(o->seek_before(c, bytes_str("d"), &k, &v), k, "bb");
	step(o->seek_before(c, bytes_str("a"), &k, &v), k, NULL);
	step(o->seek_before(c, none, &k, &v), k, "d");
	o->cursor_close(&c);
	assert_null(c);
	o->cursor_close(&c);
	o->abort(&t);
}

static void takes_long_keys_and_values(struct bench *b)
{
	struct engine_txn *t = begin(b, true);
	struct buf key = BUF_INIT, value = BUF_INIT;
	struct bytes got;

	for (int i = 0; i < 511; i++)
		buf_add_u8(&key, (uint8_t)i);
	for (int i = 0; i < 256 * 1024; i++)
		buf_add_u8(&value, (uint8_t)(i * 7));
	assert_int_equal(
		b->ops->put(t, SPACE_REC, buf_bytes(&key), buf_bytes(&value), NULL), STATUS_OK);
	commit(b, &t);
	t = begin(b, false);
	assert_int_equal(b->ops->get(t, SPACE_REC, buf_bytes(&key), &got, NULL), STATUS_OK);
	assert_true(bytes_equal(got, buf_bytes(&value)));
	b->ops->abort(&t);
	buf_free(&key);
	buf_free(&value);
}

static void stands_after_reopening(struct bench *b)
{
	struct engine_txn *t = begin(b, true);

	put(b, t, "a", "1");
	commit(b, &t);
	b->ops->close(&b->engine);
	assert_int_equal(b->ops->open(b->path, MAP, true, &b->engine, NULL), STATUS_OK);
	t = begin(b, false);
	expect(b, t, "a", "1");
	b->ops->abort(&t);
}

static void refuses_writes_when_full_and_reads_on(struct bench *b)
{
	struct buf value = BUF_INIT;
	struct engine_txn *t = begin(b, true);
	enum status s = STATUS_OK;
	struct error e;

	put(b, t, "a", "1");
	commit(b, &t);
	for (int i = 0; i < 60000; i++)
		buf_add_u8(&value, (uint8_t)i);
	t = begin(b, true);
	error_init(&e);
	for (uint64_t i = 0; !s && i < 1000; i++) {
		uint8_t key[8];
		put_be64(key, i);
		s = b->ops->put(t, SPACE_REC, bytes_of(key, 8), buf_bytes(&value), &e);
	}
	assert_int_equal(s, STATUS_STORAGE_FULL);
	assert_int_equal(e.status, STATUS_STORAGE_FULL);
	error_clear(&e);
	b->ops->abort(&t);
	t = begin(b, false);
	expect(b, t, "a", "1");
	b->ops->abort(&t);
	t = begin(b, true);
	put(b, t, "a", "2");
	commit(b, &t);
	buf_free(&value);
}

static void copies_itself(struct bench *b)
{
	char path[] = "/tmp/engine_test.XXXXXX", file[64];
	struct engine_txn *t = begin(b, true);
	struct engine *copy;
	struct bytes got;

	put(b, t, "a", "1");
	commit(b, &t);
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(b->ops->backup(b->engine, fd, NULL), STATUS_OK);
	close(fd);
	assert_int_equal(b->ops->open(path, MAP, false, &copy, NULL), STATUS_OK);
	assert_int_equal(b->ops->begin(copy, false, &t, NULL), STATUS_OK);
	assert_int_equal(b->ops->get(t, SPACE_META, bytes_str("a"), &got, NULL), STATUS_OK);
	assert_true(bytes_equal_str(got, "1"));
	b->ops->abort(&t);
	b->ops->close(&copy);
	remove_files(path);
}

static void tells_its_size(struct bench *b)
{
	uint64_t used, map, entries, bytes;
	struct engine_txn *t = begin(b, true);

	put(b, t, "a", "1");
	put(b, t, "b", "1");
	commit(b, &t);
	b->ops->stat(b->engine, SPACE_META, &used, &map, &entries, &bytes);
	assert_int_equal(entries, 2);
	assert_int_equal(map, MAP);
	assert_true(used > 0 && used <= map && bytes > 0);
}

static void leaves_no_descriptor_to_children(struct bench *b)
{
	char link[64], target[256];

	for (int fd = 3; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		if (strstr(target, b->path))
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	}
}

typedef void engine_check(struct bench *b);

static void over_every_engine(engine_check *check)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct bench b = open_bench(engines[i]);
		check(&b);
		close_bench(&b);
	}
}

#define TEST(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		over_every_engine(name);                                                           \
	}
TEST(reads_what_was_written)
TEST(keeps_spaces_apart)
TEST(forgets_what_was_aborted)
TEST(readers_keep_their_snapshot)
TEST(walks_in_order)
TEST(takes_long_keys_and_values)
TEST(stands_after_reopening)
TEST(refuses_writes_when_full_and_reads_on)
TEST(copies_itself)
TEST(tells_its_size)
TEST(leaves_no_descriptor_to_children)

static void test_fault_strikes_once(void **state)
{
	struct bench b = open_bench(&engine_fault);
	struct engine_txn *t = begin(&b, true);
	struct bytes v = bytes_str("v"), none = { 0 };

	(void)state;
	fault_arm(FAULT_FULL, 2);
	assert_int_equal(engine_fault.put(t, SPACE_META, v, none, NULL), STATUS_OK);
	assert_int_equal(engine_fault.put(t, SPACE_META, v, none, NULL), STATUS_STORAGE_FULL);
	assert_true(fault_happened());
	assert_int_equal(engine_fault.put(t, SPACE_META, v, none, NULL), STATUS_OK);
	fault_arm(FAULT_IO, 1);
	assert_int_equal(engine_fault.commit(&t, NULL), STATUS_OUTCOME_UNKNOWN);
	fault_arm(FAULT_NONE, 0);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_written),
		cmocka_unit_test(test_keeps_spaces_apart),
		cmocka_unit_test(test_forgets_what_was_aborted),
		cmocka_unit_test(test_readers_keep_their_snapshot),
		cmocka_unit_test(test_walks_in_order),
		cmocka_unit_test(test_takes_long_keys_and_values),
		cmocka_unit_test(test_stands_after_reopening),
		cmocka_unit_test(test_refuses_writes_when_full_and_reads_on),
		cmocka_unit_test(test_copies_itself),
		cmocka_unit_test(test_tells_its_size),
		cmocka_unit_test(test_leaves_no_descriptor_to_children),
		cmocka_unit_test(test_fault_strikes_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
