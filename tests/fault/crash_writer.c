/*
 * The writing and the checking side of the power-cut test. It makes its changes from their number alone, so that the checking side
 * knows what every one of them must have left.
 *
 *   crash_writer write PATH N   makes a store at PATH and commits N changes; after each "ACK number" goes to stdout
 *   crash_writer check PATH     "last NUMBER DIGEST" when the store is sound and holds the changes up to NUMBER exactly; "none" when
 *                               there is no store; else the first damage
 *   crash_writer create PATH    makes a store, as a first start does
 */
#include "tests/fault/store_bench.h"

#include <unistd.h>

static const char last_key[] = "last";

static unsigned customer_of(unsigned i)
{
	return i % 3 == 0 ? i / 3 + 1 : i * 7919 % ((i + 2) / 3) + 1;
}

static void note_of(unsigned i, struct buf *out)
{
	buf_printf(out, "change %u ", i);
	for (unsigned n = i * 131 % 5000; n > 0; n--)
		buf_add_u8(out, (uint8_t)('a' + (i + n) % 26));
}

static enum status change(struct store_bench *b, struct txn *t, unsigned i, struct error *e)
{
	struct buf fields = BUF_INIT, note = BUF_INIT, run = BUF_INIT;
	uint64_t id = customer_of(i), added = 0;
	enum status s;

	note_of(i, &note);
	if (i % 3 == 0) {
		bench_customer_fields((unsigned)id, 0, 0, &fields);
		record_add_text(&fields, CUSTOMER_NOTE, buf_bytes(&note));
		s = bench_put(b, t, b->customer, &added, "add", &fields, e);
	} else {
		record_add_text(&run, CUSTOMER_NOTE, buf_bytes(&note));
		s = bench_set(b, t, b->customer, id, "set", CUSTOMER_NOTE, buf_bytes(&run), e);
	}
	buf_free(&fields);
	buf_free(&note);
	buf_free(&run);
	return s;
}

static enum status write_one(struct store_bench *b, unsigned i, struct error *e)
{
	uint8_t number[4];
	struct txn *t;
	enum status s = txn_begin(b->store, true, &t, e);

	if (s)
		return s;
	put_be32(number, i);
	s = change(b, t, i, e);
	if (!s)
		s = txn_put(t, SPACE_AUTH, bytes_str(last_key), bytes_of(number, 4), e);
	if (s) {
		txn_abort(&t);
		return s;
	}
	return txn_commit(&t, e);
}

static int write_all(struct store_bench *b, const char *path, unsigned n)
{
	char line[32];
	struct error e;

	error_init(&e);
	if (bench_open_at(b, path, true, false, &e)) {
		fprintf(stderr, "%s\n", e.message);
		return 1;
	}
	for (unsigned i = 0; i < n; i++) {
		if (write_one(b, i, &e)) {
			fprintf(stderr, "change %u: %s\n", i, e.message);
			return 1;
		}
		int len = snprintf(line, sizeof(line), "ACK %u\n", i);
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			return 1;
	}
	store_close(&b->store);
	return 0;
}

/* What the change numbered i, the last one of its customer up to last, must have left. */
static bool stands(struct store_bench *b, struct txn *t, unsigned i)
{
	struct buf buf = BUF_INIT, note = BUF_INIT;
	struct stored s;

	note_of(i, &note);
	bool same = store_get(t, &scope_all, b->customer, customer_of(i), &buf, &s, NULL) ==
			    STATUS_OK &&
		    bytes_equal(record_text(s.fields, CUSTOMER_NOTE), buf_bytes(&note));
	buf_free(&buf);
	buf_free(&note);
	return same;
}

static bool all_stand(struct store_bench *b, struct txn *t, int last)
{
	for (int i = 0; i <= last; i++) {
		bool newer = false;
		for (int j = i + 1; j <= last && !newer; j++)
			newer = customer_of((unsigned)j) == customer_of((unsigned)i);
		if (!newer && !stands(b, t, (unsigned)i))
			return false;
	}
	return store_last_seq(b->store) == (uint64_t)(last + 1) &&
	       !store_visible(t, &scope_all, b->customer, (uint64_t)last / 3 + 2);
}

static void say(void *arg, const char *damage)
{
	if (!(*(int *)arg)++)
		printf("DAMAGED %s\n", damage);
}

static int check(struct store_bench *b, const char *path)
{
	struct buf value = BUF_INIT;
	int damages = 0, last = -1;
	struct error e;
	struct txn *t;

	error_init(&e);
	enum status s = bench_open_at(b, path, false, true, &e);
	if (s) {
		printf("%s\n", s == STATUS_NOT_FOUND ? "none" : "OPENFAIL");
		return s == STATUS_NOT_FOUND ? 0 : 1;
	}
	t = bench_begin(b, false);
	if (store_check(t, say, &damages, NULL))
		return 1;
	s = txn_get(t, SPACE_AUTH, bytes_str(last_key), &value, &e);
	if (s && s != STATUS_NOT_FOUND)
		printf("UNREADABLE\n");
	if (!s && value.len == 4)
		last = (int)get_be32(value.data);
	if (last >= 0 && !all_stand(b, t, last))
		printf("HALF %d\n", last);
	else
		printf("last %d %016llx\n", last, (unsigned long long)bench_digest(b));
	buf_free(&value);
	txn_abort(&t);
	store_close(&b->store);
	return 0;
}

int main(int argc, char **argv)
{
	struct store_bench b = { .map_size = 64u << 20, .schema = bench_schema() };
	int rc = 2;

	if (argc == 4 && strcmp(argv[1], "write") == 0)
		rc = write_all(&b, argv[2], (unsigned)strtoul(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "check") == 0)
		rc = check(&b, argv[2]);
	else if (argc == 3 && strcmp(argv[1], "create") == 0)
		rc = bench_open_at(&b, argv[2], true, false, NULL) ? 1 : 0;
	else
		fprintf(stderr, "usage: crash_writer write PATH N | check PATH | create PATH\n");
	store_close(&b.store);
	schema_free(&b.schema);
	return rc;
}
