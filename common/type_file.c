#include "common/type_file.h"
#include "common/text.h"
#include "common/type_row.h"
#include <glib.h>

enum { TAG_FILE_ID = 1, TAG_FILE_SIZE, TAG_FILE_SHA256, TAG_FILE_NAME };

bool file_value_read(struct bytes value, struct file_value *out)
{
	struct wire_field w;
	bool bad = false;

	*out = (struct file_value){ 0 };
	while (record_next(&value, &w, &bad)) {
		bool text = w.wire == WIRE_BYTES;
		if (w.tag == TAG_FILE_ID && !text)
			out->id = w.number;
		else if (w.tag == TAG_FILE_SIZE && !text)
			out->size = w.number;
		else if (w.tag == TAG_FILE_SHA256 && text)
			out->sha256 = w.bytes;
		else if (w.tag == TAG_FILE_NAME && text)
			out->name = w.bytes;
		else
			return false;
	}
	return !bad && out->sha256.len == FILE_HASH;
}

void file_value_write(const struct file_value *v, struct buf *out)
{
	if (v->id) {
		record_add_number(out, TAG_FILE_ID, v->id);
		record_add_number(out, TAG_FILE_SIZE, v->size);
	}
	if (v->sha256.len)
		record_add_text(out, TAG_FILE_SHA256, v->sha256);
	if (v->name.len)
		record_add_text(out, TAG_FILE_NAME, v->name);
}

static bool from_hex(const uint8_t *text, uint8_t out[FILE_HASH])
{
	for (size_t i = 0; i < FILE_HASH; i++) {
		int high = g_ascii_xdigit_value((char)text[2 * i]);
		int low = g_ascii_xdigit_value((char)text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static enum status file_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	const size_t prefix = sizeof(FILE_UPLOAD) - 1;
	uint8_t hash[FILE_HASH];
	struct file_value v = { .sha256 = bytes_of(hash, FILE_HASH) };
	struct buf value = BUF_INIT;

	if (text.len != prefix + sizeof(hash) * 2 || memcmp(text.data, FILE_UPLOAD, prefix) != 0 ||
		!from_hex(text.data + prefix, hash))
		return error_field(e, f->name, "is not a file: name one as @PATH");
	file_value_write(&v, &value);
	record_add_text(out, f->tag, buf_bytes(&value));
	buf_free(&value);
	return STATUS_OK;
}

static void file_name(struct bytes value, struct buf *out)
{
	struct file_value v;

	if (file_value_read(value, &v))
		text_fold(out, v.name);
}

static void file_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	struct file_value v;

	if (file_value_read(w->bytes, &v))
		buf_add_bytes(out, v.name);
}

static bool file_valid(const struct field *f, const struct wire_field *w)
{
	struct file_value v;
	char why[96];

	return file_value_read(w->bytes, &v) && v.id &&
	       (!v.name.len || text_valid(v.name, TEXT_LINE, 255, why));
}

const struct type_row type_file = {
	.name = "file",
	.wire = WIRE_BYTES,
	.parse = file_parse,
	.format = file_format,
	.valid = file_valid,
	.normal = file_name,
};
