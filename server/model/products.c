/* Products and their dated prices: the price of a product is that of the row valid today. */
#include "server/model/draft.h"
#include "server/model/sales.h"

static const char *const priced[] = { "price", "cost_price", "promotion" };

/* The row of a product's price list that is valid on a day. */
struct valid {
	const struct entity *en;
	uint64_t day, from; /* dates; from 0: none */
	uint64_t id;
	struct buf fields;
};

static enum status valid_seen(void *arg, const struct stored *record, struct error *e)
{
	struct valid *v = arg;
	uint64_t from = model_number(v->en, record->fields, "valid_from");

	if (from > v->day || from < v->from)
		return STATUS_OK;
	v->from = from;
	v->id = record->id;
	buf_clear(&v->fields);
	buf_add_bytes(&v->fields, record->fields);
	return STATUS_OK;
}

static enum status valid_on(
	struct txn *t, uint64_t product, civil_date day, struct valid *v, struct error *e)
{
	*v = (struct valid){ .en = model_entity(t, ENTITY_PRODUCT_PRICE), .day = (uint64_t)day };
	return each_of(t, v->en, "product", product, valid_seen, v, e);
}

static void take_price(const struct entity *en, struct bytes fields, struct price *out)
{
	const struct field *price = entity_field_named(en, "price");
	const struct field *cost = entity_field_named(en, "cost_price");

	*out = (struct price){ .has_price = record_has(fields, price->tag),
		.has_cost = record_has(fields, cost->tag),
		.price = record_signed(fields, price->tag),
		.cost = record_signed(fields, cost->tag) };
}

enum status price_on(
	struct txn *t, uint64_t product, civil_date day, struct price *out, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_PRODUCT);
	struct buf room = BUF_INIT;
	struct stored r;
	struct valid v;
	enum status s = valid_on(t, product, day, &v, e);

	*out = (struct price){ 0 };
	if (v.from)
		take_price(v.en, buf_bytes(&v.fields), out);
	else if (!s && read_live(t, en, product, &room, &r))
		take_price(en, r.fields, out);
	buf_free(&v.fields);
	buf_free(&room);
	return s;
}

/* The priced fields of one record under the tags of another entity. */
static void copy_priced(
	const struct entity *from, struct bytes fields, const struct entity *to, struct buf *out)
{
	struct wire_field w;

	for (size_t i = 0; i < sizeof priced / sizeof *priced; i++) {
		uint16_t tag = entity_field_named(to, priced[i])->tag;
		if (!record_find(fields, entity_field_named(from, priced[i])->tag, &w))
			continue;
		if (w.wire == WIRE_VARINT)
			record_add_number(out, tag, w.number);
		else
			record_add_text(out, tag, w.bytes);
	}
}

/* Puts the priced fields of one record into another; what it lacks is cleared. */
static enum status put_priced(struct txn *t, const struct author *author, const struct entity *from,
	struct bytes fields, const struct entity *to, const struct stored *record, struct error *e)
{
	uint32_t tags[sizeof priced / sizeof *priced];
	struct buf patch = BUF_INIT, sorted = BUF_INIT, bare = BUF_INIT, whole = BUF_INIT;
	uint64_t id = record->id;
	enum status s;

	for (size_t i = 0; i < sizeof priced / sizeof *priced; i++)
		tags[i] = entity_field_named(to, priced[i])->tag;
	copy_priced(from, fields, to, &patch);
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(record->fields, bytes_of("", 0), tags, sizeof priced / sizeof *priced, &bare);
	record_merge(buf_bytes(&bare), buf_bytes(&sorted), NULL, 0, &whole);
	s = store_put(t, author, to, &id, id ? "set" : "add", buf_bytes(&whole), NULL, e);
	buf_free(&patch);
	buf_free(&sorted);
	buf_free(&bare);
	buf_free(&whole);
	return s;
}

static bool same_prices(
	const struct entity *one, struct bytes a, const struct entity *other, struct bytes b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	copy_priced(one, a, one, &x);
	copy_priced(other, b, one, &y);
	same = bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* A price that was set for a product is valid from today, unless the list says so already. */
static enum status list_price(
	struct txn *t, const struct author *author, const struct stored *product, struct error *e)
{
	const struct entity *products = model_entity(t, ENTITY_PRODUCT);
	civil_date today = author_today(t, author);
	struct buf row = BUF_INIT;
	struct valid v;
	enum status s = valid_on(t, product->id, today, &v, e);
	struct stored record = { .fields = buf_bytes(&v.fields) };

	if (s || (v.from && same_prices(products, product->fields, v.en, record.fields))) {
		buf_free(&v.fields);
		return s;
	}
	if (v.from == (uint64_t)today) {
		record.id = v.id;
	} else {
		record_add_number(&row, entity_field_named(v.en, "product")->tag, product->id);
		record_add_number(
			&row, entity_field_named(v.en, "valid_from")->tag, (uint64_t)today);
		record.fields = buf_bytes(&row);
	}
	s = put_priced(t, author, products, product->fields, v.en, &record, e);
	buf_free(&v.fields);
	buf_free(&row);
	return s;
}

static enum status product_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	bool moved = false;

	if (after->deleted || (before && before->deleted) ||
		!record_has(after->fields, entity_field_named(entity, "price")->tag) ||
		last_was_undo(t, entity, after->id))
		return STATUS_OK;
	for (size_t i = 0; i < sizeof priced / sizeof *priced; i++)
		moved |= !before || value_changed(entity, before, after, priced[i]);
	return moved ? list_price(t, author, after, e) : STATUS_OK;
}

/* The product of a row of the price list shows what is valid on a day. */
static enum status show_price(struct txn *t, const struct author *author,
	const struct stored *listed, civil_date day, struct error *e)
{
	const struct entity *products = model_entity(t, ENTITY_PRODUCT);
	const struct entity *list = model_entity(t, ENTITY_PRODUCT_PRICE);
	uint64_t id = model_number(list, listed->fields, "product");
	struct buf room = BUF_INIT;
	struct stored product;
	struct valid v = { 0 };
	enum status s = STATUS_OK;

	if (read_live(t, products, id, &room, &product)) {
		s = valid_on(t, id, day, &v, e);
		if (!s && v.from)
			s = put_priced(
				t, author, list, buf_bytes(&v.fields), products, &product, e);
	}
	buf_free(&v.fields);
	buf_free(&room);
	return s;
}

static enum status product_price_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	if (last_was_undo(t, entity, after->id))
		return STATUS_OK;
	return show_price(t, author, after, author_today(t, author), e);
}

static enum status product_price_turned(struct txn *t, struct lookup *l,
	const struct author *author, const struct stored *record, civil_date today, struct error *e)
{
	return show_price(t, author, record, today, e);
}

const struct hooks product_hooks = { .entity = ENTITY_PRODUCT, .after = product_after };
const struct hooks product_price_hooks = {
	.entity = ENTITY_PRODUCT_PRICE, .after = product_price_after, .turned = product_price_turned
};
