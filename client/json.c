#include "client/json.h"
#include "common/text.h"

void json_add_string(struct buf *out, struct bytes text)
{
	uint32_t c;

	buf_add_u8(out, '"');
	while ((c = text_next(&text)) || text.len) {
		if (c == UINT32_MAX)
			text_add(out, 0xFFFD);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c == '\n')
			buf_add_str(out, "\\n");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
			buf_printf(out, "\\u%04x", c);
		else
			text_add(out, c);
	}
	buf_add_u8(out, '"');
}

void json_add_str(struct buf *out, const char *text)
{
	json_add_string(out, bytes_str(text));
}

void json_add_scalar(struct buf *out, struct bytes text)
{
	bool digits = text.len > 0 && text.len <= 15 && (text.data[0] != '0' || text.len == 1);

	for (size_t i = 0; digits && i < text.len; i++)
		digits = text.data[i] >= '0' && text.data[i] <= '9';
	if (digits)
		buf_add_bytes(out, text);
	else
		json_add_string(out, text);
}

void json_add_key(struct buf *out, bool *first, const char *key)
{
	if (!*first)
		buf_add_u8(out, ',');
	*first = false;
	json_add_str(out, key);
	buf_add_u8(out, ':');
}
