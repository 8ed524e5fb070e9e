/*
 * How postings stand in rows, those of term and those of pend alike: groups in ascending order of entity and term,
 *
 *   varint of (how much entity and term, as one number, are above those of the group before) * 2, and one more for postings that are taken away
 *   varint of the number of bytes that follow
 *   the ids, descending: the first one, then (distance - 1) * 2, or (n - 1) * 2 + 1 for n ids one after the other
 *
 * so that a term that few records have costs little more than its ids, and one that all have costs next to nothing.
 */
#include "server/store/search.h"

#define VARINT_MAX 10
#define GROUP_MIN                                                                                  \
	24 /* bytes of a group beside its ids, and of its first one, but for the first group of a row */

/* ---- Reading ---- */

void posting_row_open(struct posting_row *row, struct bytes value, uint64_t base)
{
	*row = (struct posting_row){ .rest = value, .place = base };
}

bool posting_row_next(struct posting_row *row)
{
	uint64_t head, len;

	if (row->rest.len == 0)
		return false;
	if (!take_varint(&row->rest, &head) || !take_varint(&row->rest, &len) || len == 0 ||
		!take_bytes(&row->rest, len, &row->ids)) {
		row->damaged = true;
		return false;
	}
	row->place += head >> 1;
	row->removed = head & 1;
	return true;
}

void posting_ids_open(struct posting_ids *ids, struct bytes run)
{
	*ids = (struct posting_ids){ .rest = run };
}

bool posting_ids_next(struct posting_ids *ids)
{
	uint64_t v, distance;

	if (ids->run > 0) {
		ids->run--;
		ids->id--;
		return true;
	}
	if (ids->rest.len == 0)
		return false;
	ids->damaged = true;
	if (!take_varint(&ids->rest, &v))
		return false;
	distance = (v >> 1) + 1;
	if (!ids->begun)
		ids->id = v;
	else if (distance >= ids->id)
		return false;
	else if (v & 1)
		ids->run = v >> 1;
	if (ids->begun)
		ids->id -= v & 1 ? 1 : distance;
	ids->begun = true;
	ids->damaged = ids->id == 0;
	return ids->id > 0;
}

bool posting_row_decode(struct bytes value, uint64_t base, struct postings *out)
{
	struct posting_row row;
	struct posting_ids ids;

	posting_row_open(&row, value, base);
	while (posting_row_next(&row)) {
		struct posting p = { .entity = (uint16_t)(row.place >> 32),
			.term = (uint32_t)row.place,
			.remove = row.removed };

		posting_ids_open(&ids, row.ids);
		while (posting_ids_next(&ids)) {
			out->items = items_grow(out->items, out->n, &out->cap, sizeof *out->items);
			p.id = ids.id;
			out->items[out->n++] = p;
		}
		if (ids.damaged)
			return false;
	}
	return !row.damaged;
}

/* ---- Writing ---- */

static size_t varint_put(uint8_t *at, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		at[n++] = (uint8_t)(v | 0x80);
	at[n++] = (uint8_t)v;
	return n;
}

/* Ids of one group until max bytes are used; *n: how many went in, one at least. Returns the bytes. */
static size_t ids_encode(const struct posting *items, size_t *n, size_t max, uint8_t *out)
{
	size_t i = 1, len = varint_put(out, items[0].id);

	while (i < *n && len + VARINT_MAX <= max) {
		uint64_t distance = items[i - 1].id - items[i].id;
		size_t k = i;

		while (k < *n && items[k - 1].id - items[k].id == 1)
			k++;
		if (k > i + 1) {
			len += varint_put(out + len, (k - i - 1) << 1 | 1);
			i = k;
		} else {
			len += varint_put(out + len, (distance - 1) << 1);
			i++;
		}
	}
	*n = i;
	return len;
}

/* Postings from the first on that belong to its group. */
static size_t group_length(const struct posting *items, size_t n)
{
	size_t k = 1;

	while (k < n && items[k].term == items[0].term && items[k].entity == items[0].entity &&
		items[k].remove == items[0].remove)
		k++;
	return k;
}

/* The n postings of one group, until room bytes are used or so. Returns how many postings went in. */
static size_t group_encode(
	const struct posting *items, size_t n, uint64_t distance, size_t room, struct buf *out)
{
	size_t len;
	uint8_t *ids;

	room = room < n * VARINT_MAX ? room : n * VARINT_MAX;
	buf_reserve(out, room + 4 * VARINT_MAX);
	buf_add_varint(out, distance << 1 | items[0].remove);
	ids = out->data + out->len +
	      VARINT_MAX; /* their length goes before them when it is known */
	len = ids_encode(items, &n, room, ids);
	out->len += varint_put(out->data + out->len, len);
	memmove(out->data + out->len, ids, len);
	out->len += len;
	return n;
}

size_t posting_row_encode(
	const struct posting *items, size_t n, uint64_t base, size_t max, struct buf *out)
{
	size_t start = out->len, i = 0;
	bool cut = false;

	/* a group that is cut is the row's last: a reader looks for one of a term and no second one */
	while (i < n && !cut && (i == 0 || out->len - start + GROUP_MIN < max)) {
		size_t used = out->len - start + GROUP_MIN, whole = group_length(items + i, n - i);
		uint64_t place = posting_place(&items[i]);
		size_t taken = group_encode(
			items + i, whole, place - base, used < max ? max - used : 0, out);

		cut = taken < whole;
		base = place;
		i += taken;
	}
	return i;
}
