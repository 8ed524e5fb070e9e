#include "common/name_match.h"
#include "common/han.h"
#include "common/text.h"
#include <glib.h>

/* Longer ones first: 有限公司 ends two of the others. */
static const char *const company_forms[] = { "有限责任公司", "股份有限公司", "有限公司", "coltd" };

/* What is written or left out as one likes: blanks, brackets, quotes, full stops and commas. */
static bool is_idle(uint32_t c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_OPEN_PUNCTUATION:
	case G_UNICODE_CLOSE_PUNCTUATION:
	case G_UNICODE_INITIAL_PUNCTUATION:
	case G_UNICODE_FINAL_PUNCTUATION:
		return true;
	default:
		return g_unichar_isspace(c) || c == '.' || c == ',' || c == '"' || c == '\'';
	}
}

void name_match(struct bytes name, struct buf *out)
{
	struct buf folded = BUF_INIT;
	size_t start = out->len;
	struct bytes rest;
	uint32_t c;

	text_fold(&folded, name);
	han_fold(&folded);
	rest = buf_bytes(&folded);
	while ((c = text_next(&rest)) != 0)
		if (c != UINT32_MAX && !is_idle(c))
			text_add(out, c);
	buf_free(&folded);
	for (size_t i = 0; i < G_N_ELEMENTS(company_forms); i++) {
		size_t len = strlen(company_forms[i]);
		if (out->len - start >= len &&
			!memcmp(out->data + out->len - len, company_forms[i], len)) {
			out->len -= len;
			break;
		}
	}
}
