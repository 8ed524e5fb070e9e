#include "client/json.h"
#include "client/print.h"
#include "common/frame.h"
#include "common/text.h"

static bool is_text(const char *names, struct bytes name)
{
	while (*names) {
		size_t n = strcspn(names, " ");

		if (bytes_equal(bytes_of(names, n), name))
			return true;
		names += n + (names[n] == ' ');
	}
	return false;
}

static void add_json(struct buf *out, const Guanxi__Pair *pair, const char *texts, bool *first)
{
	struct bytes name = pb_bytes(pair->name);
	char *key = bytes_dup(name);

	json_add_key(out, first, key);
	if (is_text(texts, name))
		json_add_string(out, pb_bytes(pair->value));
	else
		json_add_scalar(out, pb_bytes(pair->value));
	free(key);
}

static void add_line(struct buf *out, const Guanxi__Pair *pair, size_t width)
{
	struct bytes name = pb_bytes(pair->name);

	text_add_safe(out, name);
	if (width)
		buf_printf(out, "%*s", (int)(width - text_width(name)) + 2, "");
	else
		buf_add_u8(out, '\t');
	text_add_safe(out, pb_bytes(pair->value));
	buf_add_u8(out, '\n');
}

static size_t name_width(const Guanxi__Reply *reply)
{
	size_t width = 0;

	for (size_t i = 0; i < reply->n_value; i++) {
		size_t w = text_width(pb_bytes(reply->value[i]->name));

		if (w > width)
			width = w;
	}
	return width;
}

enum status print_values(
	struct app *app, const Guanxi__Reply *reply, const char *texts, struct error *e)
{
	struct buf out = BUF_INIT;
	bool json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL, first = true;
	size_t width = app->output == OUTPUT_TABLE ? name_width(reply) : 0;

	if (json)
		buf_add_u8(&out, '{');
	for (size_t i = 0; i < reply->n_value; i++) {
		const Guanxi__Pair *pair = reply->value[i];

		if (bytes_equal_str(pb_bytes(pair->name), "schema_hash"))
			continue;
		if (json)
			add_json(&out, pair, texts, &first);
		else
			add_line(&out, pair, width);
	}
	if (json)
		buf_add_str(&out, "}\n");
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}
