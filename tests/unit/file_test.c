/* Files in chunks below the records: order, limits, sweeping, and that the check sees what is wrong. */
#include "server/store/file.h"
#include "tests/unit/model_bench.h"

static int setup(void **state)
{
	*state = bench_open();
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

static void remember(void *arg, const char *damage)
{
	char(*text)[320] = arg;

	snprintf(*text, sizeof(*text), "%s", damage);
}

/* What is derived is complete after a commit only. */
static struct check_counts damages(struct bench *b, size_t n, const char *what)
{
	struct check_counts counts = { 0 };
	char text[320] = "";

	assert_int_equal(txn_commit(&b->txn, &b->e), STATUS_OK);
	assert_int_equal(txn_begin(b->store, true, &b->txn, &b->e), STATUS_OK);
	bench_call(b);
	if (store_check(b->txn, remember, &text, &counts) != n)
		fail_msg("check says \"%s\"", text);
	if (what && !strstr(text, what))
		fail_msg("check says \"%s\", wanted \"%s\"", text, what);
	return counts;
}

static uint64_t begin(struct bench *b, uint64_t limit)
{
	struct file_info info = {
		.user = b->user, .entity = ENTITY_DOCUMENT, .limit = limit, .name = bytes_str("a")
	};
	uint64_t id = 0;

	assert_int_equal(file_begin(b->txn, &info, NOW_MS, &id, &b->e), STATUS_OK);
	return id;
}

static enum status append(struct bench *b, uint64_t id, uint64_t offset, size_t len)
{
	uint8_t *part = calloc(1, len + 1);

	memset(part, (int)(offset / FILE_CHUNK + 1), len);
	error_clear(&b->e);
	enum status s = file_append(b->txn, id, offset, bytes_of(part, len), NOW_MS, &b->e);
	free(part);
	return s;
}

static uint64_t upload(struct bench *b, size_t size)
{
	uint64_t id = begin(b, 64u << 20);
	uint8_t hash[FILE_HASH];

	for (size_t at = 0; at < size; at += FILE_CHUNK)
		assert_int_equal(append(b, id, at, size - at < FILE_CHUNK ? size - at : FILE_CHUNK),
			STATUS_OK);
	assert_int_equal(file_hash(b->txn, id, hash, &b->e), STATUS_OK);
	assert_int_equal(file_complete(b->txn, id, hash, NOW_MS, &b->e), STATUS_OK);
	return id;
}

static struct file_info info_of(struct bench *b, uint64_t id)
{
	struct buf room = BUF_INIT;
	struct file_info info;

	assert_int_equal(file_info_read(b->txn, id, &room, &info, &b->e), STATUS_OK);
	info.name = bytes_of("", 0);
	buf_free(&room);
	return info;
}

static void parts_come_in_order(void **state)
{
	struct bench *b = *state;
	uint64_t id = begin(b, 3 * FILE_CHUNK);

	assert_int_equal(append(b, id, FILE_CHUNK, 1), STATUS_CONFLICT);
	assert_int_equal(append(b, id, 0, FILE_CHUNK), STATUS_OK);
	assert_int_equal(append(b, id, 0, FILE_CHUNK), STATUS_CONFLICT);
	assert_int_equal(append(b, id, FILE_CHUNK, 10), STATUS_OK);
	assert_int_equal(append(b, id, FILE_CHUNK + 10, 10), STATUS_CONFLICT);
	assert_int_equal(info_of(b, id).size, FILE_CHUNK + 10);
	assert_int_equal(append(b, id + 1, 0, 1), STATUS_NOT_FOUND);
	damages(b, 0, NULL);
}

static void the_limit_holds(void **state)
{
	struct bench *b = *state;
	uint64_t id = begin(b, FILE_CHUNK + 5);

	assert_int_equal(append(b, id, 0, FILE_CHUNK), STATUS_OK);
	assert_int_equal(append(b, id, FILE_CHUNK, 6), STATUS_INVALID);
	assert_string_equal(b->e.reason, "too_large");
	assert_int_equal(append(b, id, FILE_CHUNK, 5), STATUS_OK);
	assert_int_equal(info_of(b, id).size, FILE_CHUNK + 5);
}

static void what_is_kept_is_not_swept(void **state)
{
	struct bench *b = *state;
	uint64_t kept = upload(b, 2 * FILE_CHUNK), left = upload(b, 7);
	struct check_counts counts;
	bool more;

	assert_int_equal(file_keep(b->txn, kept, &b->e), STATUS_OK);
	assert_int_equal(file_sweep(b->txn, NOW_MS, &more, &b->e), STATUS_OK);
	assert_int_equal(info_of(b, left).state, FILE_COMPLETE);
	assert_int_equal(file_sweep(b->txn, NOW_MS + 1, &more, &b->e), STATUS_OK);
	assert_false(more);
	counts = damages(b, 0, NULL);
	assert_int_equal(counts.files, 1);
	assert_int_equal(counts.uploads, 0);
	assert_int_equal(info_of(b, kept).state, FILE_KEPT);
}

static void many_are_swept_in_slices(void **state)
{
	struct bench *b = *state;
	bool more = false;

	for (b->user = 1; b->user <= 3; b->user++)
		for (int i = 0; i < 8; i++)
			begin(b, 1);
	assert_int_equal(file_sweep(b->txn, INT64_MAX, &more, &b->e), STATUS_OK);
	assert_true(more);
	assert_int_equal(file_sweep(b->txn, INT64_MAX, &more, &b->e), STATUS_OK);
	assert_false(more);
}

static uint64_t document(struct bench *b, size_t size)
{
	char values[200] = "customer=1|title=x|content=upload:";
	struct file_info info = info_of(b, upload(b, size));

	for (size_t i = 0, n = strlen(values); i < FILE_HASH; i++)
		snprintf(values + n + 2 * i, 3, "%02x", info.sha256[i]);
	return bench_add(b, "document", values);
}

static void a_record_takes_an_upload_over(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	id = document(b, 3 * FILE_CHUNK + 1);
	assert_string_equal(bench_text(b, "document", id, "size"), "589825");
	assert_string_equal(bench_text(b, "document", id, "file_name"), "a");
	assert_int_equal(info_of(b, 1).state, FILE_KEPT);
	bench_refused(b, "document", id, "sha256=abc", "sha256");
	bench_refused(b, "document", id, "content=", "content");
	damages(b, 0, NULL);
}

static void a_proof_is_not_deleted(void **state)
{
	struct bench *b = *state;
	uint64_t id, count;

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	id = document(b, 3);
	assert_int_equal(bench_move(b, "document", id, false, &count), STATUS_OK);
	assert_int_equal(bench_move(b, "document", id, true, &count), STATUS_OK);
	bench_add(b, "consent", "customer=1|purpose=marketing|scope=邮箱|proof=1");
	assert_int_equal(bench_move(b, "document", id, false, &count), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "in use by 1 consent"));
	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 3);
}

static void the_check_sees_lost_bytes(void **state)
{
	struct bench *b = *state;
	uint8_t key[12] = { 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 };
	uint8_t other[3] = { 9, 9, 9 };

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	document(b, FILE_CHUNK + 3);
	damages(b, 0, NULL);
	assert_int_equal(txn_put(b->txn, SPACE_FILE, bytes_of(key, 12), bytes_of(other, 3), &b->e),
		STATUS_OK);
	damages(b, 1, "other bytes");
	assert_int_equal(txn_del(b->txn, SPACE_FILE, bytes_of(key, 12), &b->e), STATUS_OK);
	damages(b, 1, "cannot be read");
	key[11] = 7;
	assert_int_equal(txn_put(b->txn, SPACE_FILE, bytes_of(key, 12), bytes_of(other, 3), &b->e),
		STATUS_OK);
	damages(b, 2, "belongs to none");
	assert_int_equal(txn_del(b->txn, SPACE_FILE, bytes_of(key, 12), &b->e), STATUS_OK);
	assert_int_equal(txn_del(b->txn, SPACE_FILE, bytes_of(key, 8), &b->e), STATUS_OK);
	damages(b, 2, NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parts_come_in_order),
		TEST(the_limit_holds),
		TEST(what_is_kept_is_not_swept),
		TEST(many_are_swept_in_slices),
		TEST(a_record_takes_an_upload_over),
		TEST(a_proof_is_not_deleted),
		TEST(the_check_sees_lost_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
