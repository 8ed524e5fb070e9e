#include "common/han.h"
#include "common/text.h"

/* Pairs in ascending order of the first; made by han_table.awk. */
extern const uint32_t han_table[][2];
extern const size_t han_table_size;

uint32_t han_simplified(uint32_t c)
{
	size_t low = 0, high = han_table_size;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (han_table[middle][0] < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < han_table_size && han_table[low][0] == c ? han_table[low][1] : c;
}

static bool has_traditional(struct bytes text)
{
	while (text.len) {
		uint32_t c = text_next(&text);
		if (text_is_han(c) && han_simplified(c) != c)
			return true;
	}
	return false;
}

void han_fold(struct buf *text)
{
	struct bytes rest = buf_bytes(text);
	struct buf out = BUF_INIT;

	if (!has_traditional(rest))
		return;
	while (rest.len) {
		const uint8_t *at = rest.data;
		uint32_t c = text_next(&rest);
		if (c == UINT32_MAX)
			buf_add(&out, at, (size_t)(rest.data - at));
		else
			text_add(&out, han_simplified(c));
	}
	buf_clear(text);
	buf_add_bytes(text, buf_bytes(&out));
	buf_free(&out);
}
