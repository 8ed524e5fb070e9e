/* vCards: each one a row. What has no field goes to the remarks, so that nothing is lost. */
#include "client/import_form.h"
#include "client/vcard_map.h"
#include "common/frame.h"
#include "common/text.h"

struct vcard_import {
	struct import_named in;
	struct buf remarks;
};

/* Puts text into a field when the record has it and it is free. Blanks around it stay. */
static bool put_exact(struct vcard_import *c, const char *field, struct bytes text)
{
	const struct field *f = entity_field_named(c->in.entity, field);

	if (!f || !text.len || import_row_has(&c->in.row, bytes_str(f->name)) ||
		!import_row_begin(&c->in.row, bytes_str(f->name)))
		return false;
	buf_add_bytes(&c->in.row.room, text);
	import_row_end(&c->in.row, false);
	return true;
}

static bool put(struct vcard_import *c, const char *field, struct bytes text)
{
	return put_exact(c, field, text_trim(text));
}

static void remark(struct vcard_import *c, const struct vcard_property *p, struct bytes text)
{
	struct bytes type = vcard_parameter(p, "TYPE");

	text = text_trim(text);
	if (!text.len)
		return;
	buf_add_str(&c->remarks, c->remarks.len ? "\n" : "");
	buf_add_str(&c->remarks, p->name);
	if (type.len)
		buf_printf(&c->remarks, " (%.*s)", (int)type.len, (const char *)type.data);
	buf_add_str(&c->remarks, ": ");
	buf_add_bytes(&c->remarks, text);
}

static void put_or_remark(struct vcard_import *c, const struct vcard_property *p, const char *field,
	struct bytes text)
{
	if (!put(c, field, text))
		remark(c, p, text);
}

static bool has_han(struct bytes text)
{
	while (text.len)
		if (text_is_han(text_next(&text)))
			return true;
	return false;
}

/* Components in the order of the places, with a blank between them unless they are Chinese. */
static void join(
	const struct vcard_property *p, const char *order, const char *between, struct buf *out)
{
	struct buf whole = BUF_INIT, one = BUF_INIT;

	vcard_text(p, &whole);
	for (; *order; order++) {
		buf_clear(&one);
		vcard_component(p, (size_t)(*order - '0'), &one);
		struct bytes text = text_trim(buf_bytes(&one));

		if (text.len && out->len && !has_han(buf_bytes(&whole)))
			buf_add_str(out, between);
		buf_add_bytes(out, text);
	}
	for (size_t i = 0; i < out->len; i++)
		out->data[i] = out->data[i] == '\n' ? ' ' : out->data[i];
	buf_free(&whole);
	buf_free(&one);
}

static const struct vcard_property *find(const struct vcard *card, const char *name)
{
	for (size_t i = 0; i < card->n; i++)
		if (!strcmp(card->properties[i].name, name))
			return &card->properties[i];
	return NULL;
}

static void take_names(struct vcard_import *c, const struct vcard *card)
{
	const struct vcard_property *fn = find(card, "FN"), *n = find(card, "N");
	const struct vcard_property *first = find(card, "X-PHONETIC-FIRST-NAME");
	const struct vcard_property *last = find(card, "X-PHONETIC-LAST-NAME");
	const char *field = c->in.entity->name_field ? c->in.entity->name_field : "name";
	struct buf text = BUF_INIT;

	if (fn)
		vcard_text(fn, &text);
	if (n && !text_trim(buf_bytes(&text)).len) {
		buf_clear(&text);
		join(n, has_han(n->value) ? "021" : "120", " ", &text);
	}
	put(c, field, buf_bytes(&text));
	buf_clear(&text);
	if (n && vcard_component(n, 3, &text))
		put(c, "salutation", buf_bytes(&text));
	buf_clear(&text);
	if (last)
		vcard_text(last, &text);
	buf_add_str(&text, first && last ? " " : "");
	if (first)
		vcard_text(first, &text);
	put(c, "name_reading", buf_bytes(&text));
	buf_free(&text);
}

static bool is_set(const struct vcard_import *c, const char *field)
{
	for (size_t i = 0; i < c->in.set->n_set; i++)
		if (bytes_equal_str(pb_bytes(c->in.set->set[i]->name), field))
			return true;
	return false;
}

/* The customer of a contact by its name, which must be the only one of that name, unless --set says which. */
static void take_organisation(struct vcard_import *c, const struct vcard_property *p)
{
	const struct field *f = vcard_organisation(c->in.entity);
	struct buf text = BUF_INIT, name = BUF_INIT;

	vcard_component(p, 0, &text);
	buf_add_str(&name, f ? "@name:" : "");
	buf_add_bytes(&name, text_trim(buf_bytes(&text)));
	if (text_trim(buf_bytes(&text)).len && !(f && is_set(c, f->name)) &&
		!put(c, f ? f->name : "company_name", buf_bytes(&name)))
		remark(c, p, buf_bytes(&text));
	buf_clear(&text);
	for (size_t i = 1; i < 10; i++) {
		size_t before = text.len;

		buf_add_str(&text, before ? " / " : "");
		if (!vcard_component(p, i, &text))
			text.len = before;
	}
	put_or_remark(c, p, "department", buf_bytes(&text));
	buf_free(&text);
	buf_free(&name);
}

static void take_address(struct vcard_import *c, const struct vcard_property *p)
{
	static const char *const parts[] = { "address", "city", "province", "postcode", "country" };
	bool home = vcard_has_type(p, "HOME"), work = vcard_has_type(p, "WORK");
	bool split = entity_field_named(c->in.entity, "address") != NULL && !home;
	struct buf text = BUF_INIT;

	if (split && !import_row_has(&c->in.row, bytes_str("address"))) {
		join(p, "021", " ", &text);
		put(c, "address", buf_bytes(&text));
		for (size_t i = 1; i < 5; i++) {
			buf_clear(&text);
			vcard_component(p, i + 2, &text);
			put_or_remark(c, p, parts[i], buf_bytes(&text));
		}
		buf_free(&text);
		return;
	}
	join(p, has_han(p->value) ? "643210" : "210346", ", ", &text);
	if (!split && !(work && !home))
		put_or_remark(c, p, "home_address", buf_bytes(&text));
	else
		remark(c, p, buf_bytes(&text));
	buf_clear(&text);
	if (vcard_component(p, 5, &text))
		put_or_remark(c, p, "postcode", buf_bytes(&text));
	buf_free(&text);
}

static bool looks_mobile(struct bytes text)
{
	size_t digits = 0;
	char start[16] = "";

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] >= '0' && text.data[i] <= '9' && digits < sizeof start - 1)
			start[digits++] = (char)text.data[i];
	const char *d = !strncmp(start, "86", 2) && digits == 13 ? start + 2 : start;

	return strlen(d) == 11 && d[0] == '1' && d[1] >= '3';
}

static const char *kind_of_number(const struct vcard_property *p, struct bytes number)
{
	static const char *const kinds[] = { "FAX", "X-PHS", "PAGER", "CELL", "HOME", "WORK" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (vcard_has_type(p, kinds[i]))
			return kinds[i];
	if (vcard_has_type(p, "IPHONE"))
		return "CELL";
	return looks_mobile(number) ? "CELL" : "WORK";
}

/* tel:+86-571-88880000;ext=12 is 4.0's way; extensions stand behind 转 here. */
static void number_of(const struct vcard_property *p, struct buf *out)
{
	struct buf text = BUF_INIT;
	const char *extension;

	vcard_text(p, &text);
	const char *number = buf_str(&text);
	if (!strncasecmp(number, "tel:", 4))
		number += 4;
	extension = strstr(number, ";ext=");
	buf_add(out, number, strcspn(number, ";"));
	if (extension) {
		buf_add_str(out, "转");
		buf_add(out, extension + 5, strcspn(extension + 5, ";"));
	}
	buf_free(&text);
}

static void take_number(struct vcard_import *c, const struct vcard_property *p)
{
	struct buf number = BUF_INIT;
	bool done = false;

	number_of(p, &number);
	const char *kind = kind_of_number(p, buf_bytes(&number));
	for (size_t i = 0; i < nvcard_rules && !done; i++)
		done = vcard_rules[i].type && !strcmp(vcard_rules[i].type, kind) &&
		       put(c, vcard_rules[i].field, buf_bytes(&number));
	if (!done)
		remark(c, p, buf_bytes(&number));
	buf_free(&number);
}

static void take_birthday(struct vcard_import *c, const struct vcard *card)
{
	const struct vcard_property *ours = find(card, BIRTHDAY_PROPERTY),
				    *bday = find(card, "BDAY");
	struct buf text = BUF_INIT;

	if (ours)
		vcard_text(ours, &text);
	else if (bday && !vcard_birthday(bday, &text))
		remark(c, bday, bday->value);
	put(c, "birthday", buf_bytes(&text));
	buf_free(&text);
}

static void take_gender(struct vcard_import *c, const struct vcard_property *p)
{
	struct bytes text = text_trim(p->value);
	uint8_t first = text.len ? text.data[0] | 0x20 : 0;

	put(c, "gender", bytes_str(first == 'm' ? "male" : first == 'f' ? "female" : ""));
}

/* The note, without the line that our own export added for people. */
static void take_note(
	struct vcard_import *c, const struct vcard *card, const struct vcard_property *p)
{
	struct buf text = BUF_INIT;
	size_t at;

	vcard_text(p, &text);
	for (at = text.len; at && text.data[at - 1] != '\n'; at--)
		;
	if (find(card, BIRTHDAY_PROPERTY) &&
		bytes_starts(bytes_of(text.data + at, text.len - at), bytes_str(BIRTHDAY_NOTE)))
		text.len = at ? at - 1 : 0;
	if (text.len)
		buf_add_str(&c->remarks, c->remarks.len ? "\n" : "");
	buf_add_bytes(&c->remarks, buf_bytes(&text));
	buf_free(&text);
}

static void take_instant_message(struct vcard_import *c, const struct vcard_property *p)
{
	struct bytes service = vcard_parameter(p, "X-SERVICE-TYPE");
	struct buf text = BUF_INIT;
	const char *at;

	vcard_text(p, &text);
	at = strchr(buf_str(&text), ':');
	if (at && bytes_equal_str(service, "QQ"))
		put_or_remark(c, p, "qq", bytes_str(at + 1));
	else
		remark(c, p, buf_bytes(&text));
	buf_free(&text);
}

/* Properties that say nothing of the person, or are taken elsewhere. */
static bool is_passed_over(const char *name)
{
	static const char *const names[] = { "VERSION", "PRODID", "REV", "FN", "N", "BDAY", "KIND",
		"LABEL", "MAILER", "TZ", "GEO", "SORT-STRING", "CLASS", "SOURCE", "NAME", "PROFILE",
		"CLIENTPIDMAP", "CALURI", "CALADRURI", "FBURL", "AGENT", REASON_PROPERTY,
		BIRTHDAY_PROPERTY, "X-PHONETIC-FIRST-NAME", "X-PHONETIC-LAST-NAME", "PHOTO", "LOGO",
		"SOUND", "KEY", "X-ABUID", "X-ABLABEL", "X-ABADR" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void take_ruled(struct vcard_import *c, const struct vcard_property *p)
{
	struct buf text = BUF_INIT;
	bool done = false;

	vcard_text(p, &text);
	for (size_t i = 0; i < nvcard_rules && !done; i++)
		done = !vcard_rules[i].type && !strcmp(vcard_rules[i].property, p->name) &&
		       put(c, vcard_rules[i].field, buf_bytes(&text));
	if (!done)
		remark(c, p, buf_bytes(&text));
	buf_free(&text);
}

static void take_property(
	struct vcard_import *c, const struct vcard *card, const struct vcard_property *p)
{
	if (!strcmp(p->name, "TEL"))
		take_number(c, p);
	else if (!strcmp(p->name, "ORG"))
		take_organisation(c, p);
	else if (!strcmp(p->name, "ADR"))
		take_address(c, p);
	else if (!strcmp(p->name, "NOTE"))
		take_note(c, card, p);
	else if (!strcmp(p->name, "GENDER") || !strcmp(p->name, "X-GENDER"))
		take_gender(c, p);
	else if (!strcmp(p->name, "IMPP"))
		take_instant_message(c, p);
	else if (!strcmp(p->name, "CATEGORIES"))
		put_or_remark(c, p, "tags", p->value);
	else if (!is_passed_over(p->name))
		take_ruled(c, p);
}

/* A property that --map names goes where it says. */
static bool take_mapped(struct vcard_import *c, const struct vcard_property *p)
{
	const char *field = import_mapped(c->in.app, bytes_str(p->name));
	struct buf text = BUF_INIT;

	if (field && *field) {
		vcard_text(p, &text);
		put_or_remark(c, p, field, buf_bytes(&text));
	}
	buf_free(&text);
	return field != NULL;
}

static void take_card(struct vcard_import *c, const struct vcard *card)
{
	c->in.row.n = 0;
	buf_clear(&c->in.row.room);
	buf_clear(&c->remarks);
	/* What --set says comes first, so that the card's own is not looked up for nothing. */
	import_row_set(&c->in.row, c->in.set);
	take_names(c, card);
	take_birthday(c, card);
	for (size_t i = 0; i < card->n; i++)
		if (!take_mapped(c, &card->properties[i]))
			take_property(c, card, &card->properties[i]);
	put_exact(c, "remarks", buf_bytes(&c->remarks));
}

static enum status check_card(const struct vcard_row *row, struct vcard *card, struct error *why)
{
	const struct vcard_property *kind;

	if (row->bad)
		return error_set(why, STATUS_INVALID, "%s", row->bad);
	enum status st = vcard_parse(row->text, card, why);
	if (st)
		return st;
	kind = find(card, "KIND");
	if (kind && has_han(kind->value) == false && kind->value.len == 5 &&
		!strncasecmp((const char *)kind->value.data, "group", 5))
		return error_set(why, STATUS_INVALID, "is a group");
	return STATUS_OK;
}

static enum status one_card(struct vcard_import *c, const struct vcard_row *row, struct error *e)
{
	struct vcard card = { 0 };
	struct error why;
	enum status st;

	error_init(&why);
	if (check_card(row, &card, &why)) {
		st = importer_reject(c->in.importer, row->line, why.message, row->text, e);
	} else {
		take_card(c, &card);
		st = import_named_send(&c->in, row->line, row->text, e);
	}
	error_clear(&why);
	vcard_free(&card);
	return st;
}

static enum status all_cards(struct vcard_import *c, struct vcard_reader *reader, struct error *e)
{
	struct vcard_row row;
	enum status st = STATUS_OK;

	while (!st && vcard_reader_next(reader, &row)) {
		st = one_card(c, &row, e);
		importer_progress(c->in.importer, reader->lines.source.decoded, c->in.file->size);
	}
	return st ? st : importer_finish(c->in.importer, e);
}

enum status import_vcard(const struct import_file *file, struct error *e)
{
	struct vcard_import c = { .in = { .file = file, .app = file->app } };
	struct vcard_reader reader = { 0 };
	enum status st = vcard_reader_open(&reader, file->fd, file->encoding, e);

	if (!st)
		st = import_named_begin(&c.in, REJECT_VCARD, &reader.lines.source, e);
	if (!st)
		st = all_cards(&c, &reader, e);
	import_named_release(&c.in);
	vcard_reader_release(&reader);
	buf_free(&c.remarks);
	return st;
}
