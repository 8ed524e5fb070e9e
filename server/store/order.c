/* The order of rows and the token that says where a page ended. */
#include "common/text.h"
#include "server/store/plan.h"

#define TOKEN_VERSION 1

static bool take_part(struct bytes *list, struct bytes *part)
{
	const uint8_t *comma;

	if (list->len == 0)
		return false;
	comma = memchr(list->data, ',', list->len);
	*part = bytes_of(list->data, comma ? (size_t)(comma - list->data) : list->len);
	*list = bytes_of(list->data + part->len, list->len - part->len);
	if (comma)
		*list = bytes_of(list->data + 1, list->len - 1);
	*part = text_trim(*part);
	return true;
}

static enum status unknown(const struct entity *entity, struct bytes name, struct error *e)
{
	const char *near = entity_field_suggest(entity, name);
	int len = (int)text_cut(name, 40).len;

	if (near)
		return error_set(e, STATUS_USAGE,
			"unknown field \"%.*s\" in sort, did you mean \"%s\"", len,
			(const char *)name.data, near);
	return error_set(
		e, STATUS_USAGE, "unknown field \"%.*s\" in sort", len, (const char *)name.data);
}

static enum status add_part(
	struct order *o, const struct entity *entity, struct bytes part, struct error *e)
{
	bool descending = part.len > 0 && part.data[0] == '-';
	const struct field *f;

	if (descending)
		part = text_trim(bytes_of(part.data + 1, part.len - 1));
	f = entity_field(entity, part);
	if (!f)
		return unknown(entity, part, e);
	if (o->n == ORDER_MAX)
		return error_set(e, STATUS_USAGE, "sort has more than %d fields", ORDER_MAX);
	o->keys[o->n++] = (struct order_key){ f, entity_field_reading(entity, f), descending };
	return STATUS_OK;
}

enum status order_parse(
	struct bytes sort, const struct entity *entity, struct order *out, struct error *e)
{
	struct bytes part;
	enum status s = STATUS_OK;

	*out = (struct order){ .id_descending = true };
	while (!s && take_part(&sort, &part))
		s = add_part(out, entity, part, e);
	if (!s && out->n > 0 && out->keys[0].field->tag == TAG_ID) {
		out->id_descending = out->keys[0].descending;
		out->n = 0;
	}
	return s;
}

static bool value_of(const struct field *f, const struct stored *record, struct wire_field *w)
{
	if (f->tag == TAG_ID || f->tag == TAG_VERSION) {
		*w = (struct wire_field){ .tag = f->tag, .wire = WIRE_VARINT };
		w->number = zigzag((int64_t)(f->tag == TAG_ID ? record->id : record->version));
		return true;
	}
	return record_find(record->fields, f->tag, w);
}

void order_position(const struct order *o, const struct stored *record, struct position *out)
{
	out->id = record->id;
	for (size_t i = 0; i < o->n; i++) {
		const struct order_key *by = &o->keys[i];
		struct position_key *k = &out->keys[i];
		struct bytes reading = by->reading ? record_text(record->fields, by->reading->tag)
						   : (struct bytes){ 0 };
		struct wire_field w;

		k->has = value_of(by->field, record, &w);
		k->len = k->has ? (uint8_t)type_key_reading(by->field, &w, reading, k->data) : 0;
	}
}

static int compare_ids(uint64_t a, uint64_t b, bool descending)
{
	int order = a < b ? -1 : a > b;

	return descending ? -order : order;
}

static int compare_key(
	const struct order *o, size_t i, const struct position *a, const struct position *b)
{
	const struct position_key *x = &a->keys[i], *y = &b->keys[i];
	int order;

	if (x->has != y->has)
		return x->has ? -1 : 1;
	if (!x->has)
		return 0;
	order = bytes_compare(bytes_of(x->data, x->len), bytes_of(y->data, y->len));
	return o->keys[i].descending ? -order : order;
}

int order_compare_first(const struct order *o, const struct position *a, const struct position *b)
{
	return o->n > 0 ? compare_key(o, 0, a, b) : 0;
}

int order_compare(const struct order *o, const struct position *a, const struct position *b)
{
	for (size_t i = 0; i < o->n; i++) {
		int order = compare_key(o, i, a, b);
		if (order)
			return order;
	}
	if (o->n == 0)
		return compare_ids(a->id, b->id, o->id_descending);
	return compare_ids(a->id, b->id, !a->keys[0].has || o->keys[0].descending);
}

void position_write(const struct order *o, const struct position *p, struct buf *out)
{
	buf_clear(out);
	buf_add_u8(out, TOKEN_VERSION);
	buf_add_u8(out, (uint8_t)o->n);
	for (size_t i = 0; i < o->n; i++) {
		buf_add_u8(out, p->keys[i].has);
		buf_add_u8(out, p->keys[i].len);
		buf_add(out, p->keys[i].data, p->keys[i].len);
	}
	buf_add_u64(out, p->id);
}

static bool read_key(struct bytes *in, struct position_key *k)
{
	struct bytes data;
	uint8_t has;

	if (!take_u8(in, &has) || has > 1 || !take_u8(in, &k->len) || k->len > KEY_MAX ||
		!take_bytes(in, k->len, &data))
		return false;
	k->has = has;
	if (k->len > 0)
		memcpy(k->data, data.data, k->len);
	return has || k->len == 0;
}

enum status position_read(
	const struct order *o, struct bytes token, struct position *out, struct error *e)
{
	uint8_t version, n;
	bool good = take_u8(&token, &version) && version == TOKEN_VERSION && take_u8(&token, &n) &&
		    n == o->n;

	for (size_t i = 0; i < o->n && good; i++)
		good = read_key(&token, &out->keys[i]);
	if (!good || !take_u64(&token, &out->id) || token.len > 0)
		return error_set(e, STATUS_USAGE, "page token does not belong to this list");
	return STATUS_OK;
}
