/* Search text and records from outside: two lines, what is typed and a name; then a record in wire form. */
#include "server/store/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field fields[] = {
	{ .tag = 1, .name = "name", .type = T_TEXT, .flags = F_SEARCH | F_NAME },
	{ .tag = 2, .name = "name_reading", .type = T_TEXT, .flags = F_SEARCH },
	{ .tag = 3, .name = "phone", .type = T_PHONE, .flags = F_SEARCH | F_PERSONAL_IF_PERSON },
	{ .tag = 4, .name = "tags", .type = T_TAGS, .flags = F_SEARCH },
	{ .tag = 5, .name = "count", .type = T_INTEGER, .flags = F_SEARCH },
	{ .tag = 6, .name = "remark", .type = T_LONG_TEXT, .flags = F_SEARCH },
};
static const struct entity entity = { .number = 1, .fields = fields, .nfields = 6 };

static struct bytes take_line(struct bytes *in)
{
	const uint8_t *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
	struct bytes line = { in->data, end ? (size_t)(end - in->data) : in->len };

	in->data += line.len + (end != NULL);
	in->len -= line.len + (end != NULL);
	return line;
}

static void check_pinyin(struct bytes typed, struct bytes name)
{
	struct buf key = BUF_INIT;
	int rank = pinyin_match(name, typed, typed);

	if (rank < 0 || rank > 3)
		abort();
	for (size_t max = 1; max <= 200; max += 66) {
		buf_clear(&key);
		pinyin_sort_key(name, typed, max & 1, max, &key);
		if (key.len > max || (key.len > 0 && memchr(key.data, 0, key.len) != NULL))
			abort();
	}
	buf_free(&key);
}

/* A phone or tag more never takes a match away. */
static void check_match(struct bytes typed, struct bytes name, struct bytes record)
{
	struct buf one = BUF_INIT, more = BUF_INIT;
	int rank;

	record_add_text(&one, 1, name);
	record_add_text(&more, 1, name);
	record_add_text(&more, 4, typed);
	rank = search_match(&entity, buf_bytes(&one), typed, 0xf);
	if (rank < 0 || rank > 3 || search_match(&entity, buf_bytes(&more), typed, 0xf) < rank)
		abort();
	search_match(&entity, record, typed, 0xf);
	buf_free(&one);
	buf_free(&more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct bytes typed = take_line(&in), name = take_line(&in);

	check_pinyin(typed, name);
	check_match(typed, name, in);
	return 0;
}
