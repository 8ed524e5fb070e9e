#include "common/type.h"
#include "common/text.h"
#include "common/type_row.h"

static const struct type_row *const rows[T_COUNT] = {
	[T_TEXT] = &type_text,
	[T_LONG_TEXT] = &type_long_text,
	[T_INTEGER] = &type_integer,
	[T_DECIMAL] = &type_decimal,
	[T_MONEY] = &type_money,
	[T_PERCENT] = &type_percent,
	[T_DATE] = &type_date,
	[T_DATETIME] = &type_datetime,
	[T_TIME] = &type_time,
	[T_BIRTHDAY] = &type_birthday,
	[T_BOOL] = &type_bool,
	[T_CHOICE] = &type_choice,
	[T_CHOICES] = &type_choices,
	[T_REF] = &type_ref,
	[T_REFS] = &type_refs,
	[T_REF_ANY] = &type_ref_any,
	[T_PHONE] = &type_phone,
	[T_EMAIL] = &type_email,
	[T_URL] = &type_url,
	[T_TAGS] = &type_tags,
	[T_TEXTS] = &type_texts,
	[T_INTEGERS] = &type_integers,
	[T_FILE] = &type_file,
};

const struct type_row *type_row_of(enum field_type type)
{
	return rows[type];
}

size_t type_max(const struct field *f)
{
	return f->max > 0 ? f->max : rows[f->type]->max;
}

const char *type_name(enum field_type type)
{
	return rows[type]->name;
}

bool type_from_name(struct bytes name, enum field_type *out)
{
	for (size_t i = 0; i < T_COUNT; i++) {
		if (bytes_equal_str(name, rows[i]->name)) {
			*out = (enum field_type)i;
			return true;
		}
	}
	return false;
}

bool type_is_number(enum field_type type)
{
	return rows[type]->wire == WIRE_VARINT;
}

bool type_is_signed(enum field_type type)
{
	return rows[type]->zigzag;
}

bool type_is_list(enum field_type type)
{
	return rows[type]->list;
}

bool type_is_reference(enum field_type type)
{
	return rows[type]->reference;
}

bool type_aligns_right(enum field_type type)
{
	return rows[type]->right;
}

enum status type_parse(const struct field *f, struct bytes text, const struct parse_context *ctx,
	struct buf *out, struct error *e)
{
	static const struct parse_context nothing = { 0 };
	const struct type_row *row = rows[f->type];

	if (!ctx)
		ctx = &nothing;
	if (text_trim(text).len == 0)
		return STATUS_OK;
	if (row->list)
		return type_list_parse(f, text_trim(text), ctx, out, e);
	return row->parse(f, f->type == T_LONG_TEXT ? text : text_trim(text), ctx, out, e);
}

void type_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	static const struct format_context nothing = { 0 };

	rows[f->type]->format(f, w, form, ctx ? ctx : &nothing, out);
}

void type_format_run(const struct field *f, struct bytes run, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	struct wire_field w;

	for (size_t n = 0; record_next(&run, &w, NULL); n++) {
		if (n > 0)
			buf_add_str(out, ", ");
		type_format(f, &w, form, ctx, out);
	}
}

/* The key of any length up to max, appended. */
static void add_key(const struct field *f, const struct wire_field *w, struct bytes reading,
	size_t max, struct buf *out)
{
	const struct type_row *row = rows[f->type];
	size_t start = out->len;

	if (row->wire == WIRE_VARINT) {
		buf_add_u64(
			out, row->zigzag ? (uint64_t)unzigzag(w->number) ^ 1ull << 63 : w->number);
		return;
	}
	if (row->key)
		row->key(f, w->bytes, reading, max, out);
	else
		row->normal(w->bytes, out);
	if (out->len - start > max)
		out->len = start + max;
}

size_t type_key_reading(const struct field *f, const struct wire_field *w, struct bytes reading,
	uint8_t key[KEY_MAX])
{
	struct buf b = BUF_INIT;
	size_t len;

	add_key(f, w, reading, KEY_MAX, &b);
	len = b.len;
	if (len > 0)
		memcpy(key, b.data, len);
	buf_free(&b);
	return len;
}

size_t type_key(const struct field *f, const struct wire_field *w, uint8_t key[KEY_MAX])
{
	return type_key_reading(f, w, (struct bytes){ 0 }, key);
}

void type_normal(const struct field *f, struct bytes text, struct buf *out)
{
	const struct type_row *row = rows[f->type];

	if (row->normal)
		row->normal(text, out);
	else
		buf_add_bytes(out, text);
}

static int compare_numbers(const struct type_row *row, uint64_t a, uint64_t b)
{
	uint64_t x = row->zigzag ? (uint64_t)unzigzag(a) ^ 1ull << 63 : a;
	uint64_t y = row->zigzag ? (uint64_t)unzigzag(b) ^ 1ull << 63 : b;

	return x < y ? -1 : x > y;
}

int type_compare(const struct field *f, const struct wire_field *a, const struct wire_field *b)
{
	const struct type_row *row = rows[f->type];
	struct buf x = BUF_INIT, y = BUF_INIT;
	int order;

	if (row->wire == WIRE_VARINT)
		return compare_numbers(row, a->number, b->number);
	if (bytes_equal(a->bytes, b->bytes))
		return 0;
	add_key(f, a, (struct bytes){ 0 }, RECORD_MAX * 8, &x);
	add_key(f, b, (struct bytes){ 0 }, RECORD_MAX * 8, &y);
	order = bytes_compare(buf_bytes(&x), buf_bytes(&y));
	buf_free(&x);
	buf_free(&y);
	return order;
}

bool type_wire_valid(const struct field *f, const struct wire_field *w)
{
	const struct type_row *row = rows[f->type];

	return w->wire == row->wire && (!row->valid || row->valid(f, w));
}
