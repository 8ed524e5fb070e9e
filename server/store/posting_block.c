#include "server/store/posting_block.h"

#define HEAD_MAX 20
#define ID_END (UINT64_C(1) << 48) /* ids are below */

void posting_runs_add(struct posting_runs *runs, uint64_t first, uint64_t n)
{
	struct posting_run *last = runs->n ? &runs->items[runs->n - 1] : NULL;

	if (last && last->first + last->n == first) {
		last->n += n;
		return;
	}
	runs->items = items_grow(runs->items, runs->n, &runs->cap, sizeof(*runs->items));
	runs->items[runs->n++] = (struct posting_run){ first, n };
}

void posting_runs_free(struct posting_runs *runs)
{
	free(runs->items);
	*runs = (struct posting_runs){ 0 };
}

void posting_runs_change(const struct posting_runs *runs, const struct posting_change *changes,
	size_t n, struct posting_runs *out)
{
	struct posting_run now = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t id = changes[i].id;

		while ((now.n || at < runs->n) && (!now.n || now.first + now.n <= id)) {
			if (now.n)
				posting_runs_add(out, now.first, now.n);
			now = at < runs->n ? runs->items[at++] : (struct posting_run){ 0 };
		}
		if (now.n && now.first < id) {
			posting_runs_add(out, now.first, id - now.first);
			now.n -= id - now.first;
			now.first = id;
		}
		if (now.n && now.first == id) {
			now.first++;
			now.n--;
		}
		if (changes[i].add)
			posting_runs_add(out, id, 1);
	}
	if (now.n)
		posting_runs_add(out, now.first, now.n);
	for (; at < runs->n; at++)
		posting_runs_add(out, runs->items[at].first, runs->items[at].n);
}

/* ---- Reading ---- */

bool posting_block_head(struct bytes value, uint64_t first, uint64_t *last, uint64_t *count)
{
	uint64_t span = 0;

	*count = 1;
	*last = first;
	if (!value.len)
		return true;
	if (!take_varint(&value, count) || !take_varint(&value, &span) || *count < 2 ||
		span < *count - 1 || span >= ID_END - first)
		return false;
	*last = first + span;
	return true;
}

/* The next stretch after id, which moves on to its last; false at the end or when the bytes are malformed. */
static bool take_run(struct bytes *in, uint64_t *id, struct posting_run *run)
{
	uint64_t token, more = 0;

	if (!take_varint(in, &token) || (token >> 1) >= ID_END ||
		((token & 1) && (!take_varint(in, &more) || !more || more >= ID_END)))
		return false;
	*run = (struct posting_run){ *id + (token >> 1) + 1, 1 + more };
	*id = run->first + more;
	return *id < ID_END;
}

static bool take_head(struct bytes *in, uint64_t first, uint64_t *last, uint64_t *count)
{
	uint64_t skipped;

	return posting_block_head(*in, first, last, count) &&
	       (!in->len || (take_varint(in, &skipped) && take_varint(in, &skipped)));
}

bool posting_block_read(uint64_t first, struct bytes value, struct posting_runs *runs)
{
	uint64_t last, count, id = first, found = 1;
	struct posting_run run;

	if (first >= ID_END || !take_head(&value, first, &last, &count))
		return false;
	posting_runs_add(runs, first, 1);
	while (value.len) {
		if (!take_run(&value, &id, &run))
			return false;
		posting_runs_add(runs, run.first, run.n);
		found += run.n;
	}
	return id == last && found == count;
}

bool posting_block_has(uint64_t first, struct bytes value, uint64_t id)
{
	uint64_t last, count, at = first;
	struct posting_run run;

	if (id == first)
		return true;
	if (!take_head(&value, first, &last, &count) || id > last)
		return false;
	while (at < id) {
		if (!take_run(&value, &at, &run))
			return false;
		if (id >= run.first && id <= at)
			return true;
	}
	return false;
}

/* ---- Writing ---- */

static size_t varint_size(uint64_t v)
{
	size_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

static uint64_t token_of(uint64_t before, struct posting_run run)
{
	return (run.first - before - 1) << 1 | (run.n > 1);
}

static size_t run_size(uint64_t before, struct posting_run run)
{
	return varint_size(token_of(before, run)) + (run.n > 1 ? varint_size(run.n - 1) : 0);
}

static void add_run(struct buf *out, uint64_t before, struct posting_run run)
{
	buf_add_varint(out, token_of(before, run));
	if (run.n > 1)
		buf_add_varint(out, run.n - 1);
}

static void set_value(struct buf *value, uint64_t count, uint64_t span, struct bytes runs)
{
	buf_clear(value);
	buf_add_varint(value, count);
	buf_add_varint(value, span);
	buf_add_bytes(value, runs);
}

size_t posting_block_size(const struct posting_runs *runs)
{
	size_t size = 0;
	uint64_t before = runs->n ? runs->items[0].first : 0;

	for (size_t i = 0; i < runs->n; i++) {
		struct posting_run run = runs->items[i];
		if (i == 0 && --run.n == 0)
			continue;
		run.first += i == 0;
		size += run_size(before, run);
		before = run.first + run.n - 1;
	}
	return size;
}

void posting_block_write(const struct posting_runs *runs, size_t *at, uint64_t *skip, size_t max,
	uint64_t *first, struct buf *value)
{
	struct buf out = BUF_INIT;
	uint64_t count = 1, before;

	before = *first = runs->items[*at].first + *skip;
	++*skip;
	for (; *at < runs->n; ++*at, *skip = 0) {
		struct posting_run run = runs->items[*at];
		run.first += *skip;
		run.n -= *skip;
		if (!run.n)
			continue;
		if (out.len + run_size(before, run) + HEAD_MAX > max)
			break;
		add_run(&out, before, run);
		before = run.first + run.n - 1;
		count += run.n;
	}
	buf_clear(value);
	if (count > 1)
		set_value(value, count, before - *first, buf_bytes(&out));
	buf_free(&out);
}

bool posting_block_append(uint64_t first, struct bytes old, const struct posting_change *changes,
	size_t n, size_t max, struct buf *value)
{
	uint64_t last, count;
	struct buf out = BUF_INIT;
	bool fits = take_head(&old, first, &last, &count);

	buf_add_bytes(&out, old);
	for (size_t i = 0; fits && i < n;) {
		struct posting_run run = { changes[i].id, 0 };
		while (i < n && changes[i].id == run.first + run.n) {
			run.n++;
			i++;
		}
		add_run(&out, last, run);
		last = run.first + run.n - 1;
		count += run.n;
		fits = out.len + HEAD_MAX <= max;
	}
	if (fits)
		set_value(value, count, last - first, buf_bytes(&out));
	buf_free(&out);
	return fits;
}
