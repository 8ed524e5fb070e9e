#include "common/record.h"

#define TAG_MAX 0x1fffffffu

static bool fail(bool *bad)
{
	if (bad)
		*bad = true;
	return false;
}

/* A varint of one or two bytes, as keys and most lengths are, without a call. */
static inline bool take_short(struct bytes *in, uint64_t *v)
{
	size_t n;

	if (in->len < 2 || in->data[1] >= 0x80)
		return take_varint(in, v);
	n = in->data[0] < 0x80 ? 1 : 2;
	*v = n == 1 ? in->data[0] : (in->data[0] & 0x7fu) | (uint64_t)in->data[1] << 7;
	in->data += n;
	in->len -= n;
	return true;
}

static inline bool take_value(struct bytes *in, struct wire_field *out)
{
	uint64_t len;

	out->number = 0;
	out->bytes = (struct bytes){ 0 };
	if (out->wire == WIRE_VARINT)
		return take_short(in, &out->number);
	if (out->wire != WIRE_BYTES || !take_short(in, &len) || len > in->len)
		return false;
	out->bytes = bytes_of(in->data, (size_t)len);
	in->data += len;
	in->len -= len;
	return true;
}

bool record_next(struct bytes *rest, struct wire_field *out, bool *bad)
{
	struct bytes in = *rest;
	uint64_t key;

	if (in.len == 0)
		return false;
	if (!take_short(&in, &key) || key >> 3 == 0 || key >> 3 > TAG_MAX)
		return fail(bad);
	out->tag = (uint32_t)(key >> 3);
	out->wire = key & 7;
	if (!take_value(&in, out))
		return fail(bad);
	out->whole = bytes_of(rest->data, rest->len - in.len);
	*rest = in;
	return true;
}

/* Moves *rest to the first field of the tag; false when there is none. Tags ascend, so a greater one ends the walk. */
static bool seek(struct bytes *rest, uint32_t tag)
{
	struct bytes at = *rest;
	uint64_t key, len;

	while (at.len > 0) {
		*rest = at;
		if (!take_short(&at, &key) || key >> 3 == 0)
			return false;
		if (key >> 3 >= tag)
			return key >> 3 == tag;
		if (!take_short(&at, &len))
			return false;
		if ((key & 7) == WIRE_VARINT)
			continue;
		if ((key & 7) != WIRE_BYTES || len > at.len)
			return false;
		at.data += len;
		at.len -= len;
	}
	return false;
}

bool record_find(struct bytes record, uint32_t tag, struct wire_field *out)
{
	return seek(&record, tag) && record_next(&record, out, NULL);
}

bool record_has(struct bytes record, uint32_t tag)
{
	struct wire_field f;

	return record_find(record, tag, &f);
}

uint64_t record_number(struct bytes record, uint32_t tag)
{
	struct wire_field f;

	return record_find(record, tag, &f) ? f.number : 0;
}

int64_t record_signed(struct bytes record, uint32_t tag)
{
	return unzigzag(record_number(record, tag));
}

struct bytes record_text(struct bytes record, uint32_t tag)
{
	struct wire_field f;

	return record_find(record, tag, &f) ? f.bytes : (struct bytes){ 0 };
}

/* Takes all fields at the front of *rest that share one tag. */
static bool next_run(struct bytes *rest, uint32_t *tag, struct bytes *run)
{
	struct bytes at = *rest;
	struct wire_field f;

	if (!record_next(rest, &f, NULL))
		return false;
	*tag = f.tag;
	*run = f.whole;
	for (at = *rest; record_next(&at, &f, NULL) && f.tag == *tag; *rest = at)
		run->len += f.whole.len;
	return true;
}

struct bytes record_run(struct bytes record, uint32_t tag)
{
	struct wire_field f;
	struct bytes run;

	if (!seek(&record, tag) || !record_next(&record, &f, NULL))
		return (struct bytes){ 0 };
	for (run = f.whole; record_next(&record, &f, NULL) && f.tag == tag;)
		run.len += f.whole.len;
	return run;
}

bool record_well_formed(struct bytes record)
{
	struct wire_field f;
	uint32_t last = 0;
	bool bad = false;

	while (record_next(&record, &f, &bad)) {
		if (f.tag < last)
			return false;
		last = f.tag;
	}
	return !bad;
}

void record_add_number(struct buf *out, uint32_t tag, uint64_t v)
{
	buf_add_varint(out, (uint64_t)tag << 3 | WIRE_VARINT);
	buf_add_varint(out, v);
}

void record_add_signed(struct buf *out, uint32_t tag, int64_t v)
{
	record_add_number(out, tag, zigzag(v));
}

void record_add_text(struct buf *out, uint32_t tag, struct bytes v)
{
	buf_add_varint(out, (uint64_t)tag << 3 | WIRE_BYTES);
	buf_add_varint(out, v.len);
	buf_add_bytes(out, v);
}

static bool listed(uint32_t tag, const uint32_t *tags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (tags[i] == tag)
			return true;
	}
	return false;
}

void record_merge(struct bytes base, struct bytes patch, const uint32_t *cleared, size_t ncleared,
	struct buf *out)
{
	struct bytes old, new;
	uint32_t old_tag, new_tag;
	bool more_old = next_run(&base, &old_tag, &old);
	bool more_new = next_run(&patch, &new_tag, &new);

	while (more_old || more_new) {
		bool take_old = more_old && (!more_new || old_tag <= new_tag);
		bool take_new = more_new && (!more_old || new_tag <= old_tag);

		if (take_new)
			buf_add_bytes(out, new);
		else if (!listed(old_tag, cleared, ncleared))
			buf_add_bytes(out, old);
		if (take_old)
			more_old = next_run(&base, &old_tag, &old);
		if (take_new)
			more_new = next_run(&patch, &new_tag, &new);
	}
}

struct part {
	uint32_t tag;
	size_t at;
	struct bytes whole;
};

static int part_compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void record_sort(struct bytes fields, struct buf *out)
{
	struct buf parts = BUF_INIT;
	struct wire_field f;
	size_t n = 0;

	if (record_well_formed(fields)) {
		buf_add_bytes(out, fields);
		return;
	}
	while (record_next(&fields, &f, NULL)) {
		struct part p = { f.tag, n++, f.whole };
		buf_add(&parts, &p, sizeof(p));
	}
	if (n > 0)
		qsort(parts.data, n, sizeof(struct part), part_compare);
	for (size_t i = 0; i < n; i++)
		buf_add_bytes(out, ((struct part *)(void *)parts.data)[i].whole);
	buf_free(&parts);
}

size_t record_diff(struct bytes a, struct bytes b, uint32_t *tags, size_t max)
{
	struct bytes x, y;
	uint32_t tx, ty;
	bool more_x = next_run(&a, &tx, &x);
	bool more_y = next_run(&b, &ty, &y);
	size_t n = 0;

	while ((more_x || more_y) && n < max) {
		bool in_x = more_x && (!more_y || tx <= ty);
		bool in_y = more_y && (!more_x || ty <= tx);

		if (!in_x || !in_y || !bytes_equal(x, y))
			tags[n++] = in_x ? tx : ty;
		if (in_x)
			more_x = next_run(&a, &tx, &x);
		if (in_y)
			more_y = next_run(&b, &ty, &y);
	}
	return n;
}
