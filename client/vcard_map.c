#include "client/vcard_map.h"
#include "common/text.h"

const struct vcard_rule vcard_rules[] = {
	{ "TEL", "CELL", "mobile" },
	{ "TEL", "CELL", "phone" },
	{ "TEL", "WORK", "office_phone" },
	{ "TEL", "WORK", "phone" },
	{ "TEL", "HOME", "home_phone" },
	{ "TEL", "HOME", "phone" },
	{ "TEL", "FAX", "fax" },
	{ "TEL", "X-PHS", "phs" },
	{ "TITLE", NULL, "job_title" },
	{ "ROLE", NULL, "job_title" },
	{ "EMAIL", NULL, "email" },
	{ "URL", NULL, "homepage" },
	{ "X-QQ", NULL, "qq" },
	{ "X-MSN", NULL, "msn" },
	{ "X-WECHAT", NULL, "wechat" },
	{ "UID", NULL, "external_id" },
};
const size_t nvcard_rules = sizeof vcard_rules / sizeof *vcard_rules;

const struct field *vcard_organisation(const struct entity *en)
{
	for (size_t i = 0; i < en->nfields; i++)
		if (en->fields[i].type == T_REF && en->fields[i].flags & F_REQUIRED)
			return &en->fields[i];
	return NULL;
}

/* Up to four pieces of digits, the bars between them passed over. */
static bool digits_only(struct bytes text, char out[9])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '-')
			continue;
		if (text.data[i] < '0' || text.data[i] > '9' || n == 8)
			return false;
		out[n++] = (char)text.data[i];
	}
	out[n] = '\0';
	return true;
}

bool vcard_birthday(const struct vcard_property *p, struct buf *out)
{
	struct bytes text = text_trim(p->value), omitted = vcard_parameter(p, "X-APPLE-OMIT-YEAR");
	const uint8_t *time = text.len > 4 ? memchr(text.data, 'T', text.len) : NULL;
	bool yearless = bytes_starts(text, bytes_str("--"));
	char d[9];

	if (time)
		text.len = (size_t)(time - text.data);
	if (!digits_only(text, d) || strlen(d) != (yearless ? 4 : 8))
		return false;
	if (bytes_equal_str(vcard_parameter(p, "CALSCALE"), "CHINESE"))
		buf_add_str(out, "lunar:");
	if (yearless)
		buf_printf(out, "%.2s-%.2s", d, d + 2);
	else if (omitted.len == 4 && !memcmp(omitted.data, d, 4))
		buf_printf(out, "%.2s-%.2s", d + 4, d + 6);
	else
		buf_printf(out, "%.4s-%.2s-%.2s", d, d + 4, d + 6);
	return true;
}

/* Writing */

static bool text_of(const struct view *v, const char *name, enum form form, struct buf *out)
{
	const struct field *f = entity_field_named(v->entity, name);

	buf_clear(out);
	if (f && !view_masked(v, f) && view_has(v, f))
		view_cell(v, f, form, out);
	return out->len > 0;
}

static void add_property(const char *head, struct bytes value, bool escape, struct buf *out)
{
	struct buf line = BUF_INIT;

	buf_add_str(&line, head);
	buf_add_u8(&line, ':');
	if (escape)
		vcard_add_escaped(&line, value);
	else
		buf_add_bytes(&line, value);
	vcard_add_line(out, buf_bytes(&line));
	buf_free(&line);
}

/* A name with Chinese characters is not cut; of others the last word is the family's. */
static void add_name(const struct view *v, struct buf *out)
{
	struct buf name = BUF_INIT, line = BUF_INIT, title = BUF_INIT;
	struct bytes rest, first = bytes_of("", 0), last;
	bool han = false;

	text_of(v, v->entity->name_field ? v->entity->name_field : "name", FORM_DISPLAY, &name);
	rest = last = buf_bytes(&name);
	while (rest.len && !han)
		han = text_is_han(text_next(&rest));
	for (size_t i = last.len; !han && i > 1; i--)
		if (name.data[i - 1] == ' ') {
			first = bytes_of(name.data, i - 1);
			last = bytes_of(name.data + i, name.len - i);
			break;
		}
	text_of(v, "salutation", FORM_DISPLAY, &title);
	vcard_add_escaped(&line, last);
	buf_add_u8(&line, ';');
	vcard_add_escaped(&line, first);
	buf_add_str(&line, ";;");
	vcard_add_escaped(&line, buf_bytes(&title));
	buf_add_u8(&line, ';');
	add_property("N", buf_bytes(&line), false, out);
	add_property("FN", buf_bytes(&name), true, out);
	if (text_of(v, "name_reading", FORM_DISPLAY, &name))
		add_property("X-PHONETIC-LAST-NAME", buf_bytes(&name), true, out);
	buf_free(&name);
	buf_free(&line);
	buf_free(&title);
}

static void add_organisation(const struct view *v, struct buf *out)
{
	const struct field *f = vcard_organisation(v->entity);
	struct buf text = BUF_INIT, line = BUF_INIT;

	if (text_of(v, f ? f->name : "company_name", FORM_DISPLAY, &text))
		vcard_add_escaped(&line, buf_bytes(&text));
	if (text_of(v, "department", FORM_DISPLAY, &text)) {
		buf_add_u8(&line, ';');
		vcard_add_escaped(&line, buf_bytes(&text));
	}
	if (line.len)
		add_property("ORG", buf_bytes(&line), false, out);
	buf_free(&text);
	buf_free(&line);
}

static void add_ruled(const struct view *v, bool four, struct buf *out)
{
	struct buf text = BUF_INIT, head = BUF_INIT;

	for (size_t i = 0; i < nvcard_rules; i++) {
		const struct vcard_rule *r = &vcard_rules[i];
		bool again = false;

		/* One field has one property: the first rule that names it, but a plain phone is one at work. */
		for (size_t k = 0; k < i; k++)
			again = again || !strcmp(vcard_rules[k].field, r->field);
		if (!strcmp(r->field, "phone"))
			again = strcmp(r->type, "WORK") != 0;
		if (again || !text_of(v, r->field, FORM_CODE, &text))
			continue;
		buf_clear(&head);
		buf_add_str(&head, r->property);
		if (r->type)
			buf_printf(&head, ";TYPE=%s", r->type);
		else if (!strcmp(r->property, "EMAIL") && !four)
			buf_add_str(&head, ";TYPE=INTERNET");
		add_property(buf_str(&head), buf_bytes(&text), true, out);
	}
	buf_free(&text);
	buf_free(&head);
}

static void add_address(
	const struct view *v, const char *head, const char *const fields[5], struct buf *out)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	bool any = false;

	buf_add_str(&line, ";;");
	for (size_t i = 0; i < 5; i++) {
		bool here = fields[i] && text_of(v, fields[i], FORM_DISPLAY, &text);

		if (i)
			buf_add_u8(&line, ';');
		if (here)
			vcard_add_escaped(&line, buf_bytes(&text));
		any = any || (here && i < 4);
	}
	if (any)
		add_property(head, buf_bytes(&line), false, out);
	buf_free(&text);
	buf_free(&line);
}

static void add_addresses(const struct view *v, struct buf *out)
{
	static const char *const work[5] = { "address", "city", "province", "postcode", "country" };
	static const char *const home[5] = { "home_address", NULL, NULL, "postcode", NULL };
	static const char *const alone[5] = { "home_address" };
	bool both = entity_field_named(v->entity, "address") != NULL;

	if (both)
		add_address(v, "ADR;TYPE=WORK", work, out);
	add_address(v, "ADR;TYPE=HOME", both ? alone : home, out);
}

/* Returns the line of NOTE for one that BDAY cannot say. */
static bool add_birthday(const struct view *v, bool four, struct buf *out, struct buf *note)
{
	struct buf text = BUF_INIT, shown = BUF_INIT;
	bool lunar;

	if (text_of(v, "birthday", FORM_CODE, &text)) {
		lunar = bytes_starts(buf_bytes(&text), bytes_str("lunar:"));
		if (lunar) {
			add_property(BIRTHDAY_PROPERTY, buf_bytes(&text), true, out);
			text_of(v, "birthday", FORM_DISPLAY, &shown);
			buf_add_str(note, BIRTHDAY_NOTE);
			buf_add_bytes(note, buf_bytes(&shown));
		} else if (text.len == 10) {
			add_property("BDAY", buf_bytes(&text), false, out);
		} else if (four) {
			buf_printf(&shown, "--%.2s%.2s", (char *)text.data, (char *)text.data + 3);
			add_property("BDAY", buf_bytes(&shown), false, out);
		} else {
			/* 3.0 has no day without a year; this is how telephones write it. */
			buf_add_str(&shown, "1604-");
			buf_add_bytes(&shown, buf_bytes(&text));
			add_property("BDAY;X-APPLE-OMIT-YEAR=1604", buf_bytes(&shown), false, out);
		}
	}
	buf_free(&text);
	buf_free(&shown);
	return note->len > 0;
}

static void add_rest(const struct view *v, bool four, struct buf *note, struct buf *out)
{
	struct buf text = BUF_INIT;

	if (text_of(v, "gender", FORM_CODE, &text) && text.data[0] != 'u')
		add_property(four ? "GENDER" : "X-GENDER",
			bytes_str(text.data[0] == 'm' ? "M" : "F"), false, out);
	if (text_of(v, "tags", FORM_DISPLAY, &text))
		add_property("CATEGORIES", buf_bytes(&text), false, out);
	if (text_of(v, "remarks", FORM_DISPLAY, &text)) {
		buf_add_str(&text, note->len ? "\n" : "");
		buf_add_bytes(&text, buf_bytes(note));
		buf_clear(note);
		buf_add_bytes(note, buf_bytes(&text));
	}
	if (note->len)
		add_property("NOTE", buf_bytes(note), true, out);
	buf_free(&text);
}

void vcard_of_record(const struct view *v, bool four, struct buf *out)
{
	struct buf note = BUF_INIT;

	add_property("BEGIN", bytes_str("VCARD"), false, out);
	add_property("VERSION", bytes_str(four ? "4.0" : "3.0"), false, out);
	add_name(v, out);
	add_organisation(v, out);
	add_ruled(v, four, out);
	add_addresses(v, out);
	add_birthday(v, four, out, &note);
	add_rest(v, four, &note, out);
	add_property("END", bytes_str("VCARD"), false, out);
	buf_free(&note);
}
