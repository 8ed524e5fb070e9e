#include "common/vcard.h"
#include "common/text.h"
#include <glib.h>

#define LINE_BYTES 75 /* of a folded line, its end not counted */

/* A content line on its way: unfolded, not decoded. */
struct parser {
	struct vcard *card;
	struct bytes rest;  /* of the card's text */
	struct buf line;    /* unfolded */
	GArray *properties; /* of struct place */
	struct buf words;   /* names and parameters */
	unsigned depth;     /* of cards within the card */
	bool begun, ended;
};

/* A property by offsets: the buffers still grow. */
struct place {
	size_t name, parameters, value, len;
};

static struct bytes take_line(struct bytes *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct bytes line = bytes_of(rest->data, len);

	*rest = bytes_of(rest->data + len, rest->len - len);
	if (end)
		*rest = bytes_of(rest->data + 1, rest->len - 1);
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool has_word(struct bytes text, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= text.len; i++)
		if (!g_ascii_strncasecmp((const char *)text.data + i, word, len))
			return true;
	return false;
}

/* The name and its parameters: what stands before the first colon outside quotes. */
static struct bytes head_of(struct bytes line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '"')
			quoted = !quoted;
		if (line.data[i] == ':' && !quoted)
			return bytes_of(line.data, i);
	}
	return bytes_of(line.data, 0);
}

static bool is_soft_broken(const struct buf *line)
{
	return line->len && line->data[line->len - 1] == '=' &&
	       has_word(head_of(buf_bytes(line)), "QUOTED-PRINTABLE");
}

/*
 * Lines that begin with a blank go on with the one before; the blank belongs to the text in 2.1 only. A quoted-printable line goes on
 * behind its last =
 */
static bool next_content_line(struct parser *p)
{
	buf_clear(&p->line);
	if (!p->rest.len)
		return false;
	buf_add_bytes(&p->line, take_line(&p->rest));
	while (p->rest.len) {
		bool soft = is_soft_broken(&p->line);
		bool folded = p->rest.data[0] == ' ' || p->rest.data[0] == '\t';

		if (!soft && !folded)
			return true;
		struct bytes more = take_line(&p->rest);

		if (soft)
			p->line.len--;
		else if (p->card->version != VCARD_2_1)
			more = bytes_of(more.data + 1, more.len - 1);
		buf_add_bytes(&p->line, more);
	}
	return true;
}

static int hex_digit(uint8_t c)
{
	return g_ascii_isxdigit(c) ? g_ascii_xdigit_value((char)c) : -1;
}

static void quoted_printable(struct bytes in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		int high = in.data[i] == '=' && i + 2 < in.len ? hex_digit(in.data[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(in.data[i + 2]) : -1;

		if (low >= 0) {
			buf_add_u8(out, (uint8_t)(high << 4 | low));
			i += 2;
		} else {
			buf_add_u8(out, in.data[i]);
		}
	}
}

/* Bytes in the character set that a card names, or in one that fits them, to UTF-8. */
static enum status to_utf8(struct bytes in, struct bytes charset, struct buf *out, struct error *e)
{
	enum encoding encoding = ENCODING_AUTO;
	struct decoder *d;
	char name[32] = "";
	size_t start = out->len;

	if (charset.len && charset.len < sizeof name)
		memcpy(name, charset.data, charset.len);
	if (*name && g_ascii_strcasecmp(name, "US-ASCII") && !encoding_from_name(name, &encoding))
		return error_set(e, STATUS_INVALID, "the character set \"%s\" is not known", name);
	enum status st = decoder_new(encoding, in, true, &d, e);
	if (st)
		return error_set(e, STATUS_INVALID, "neither UTF-8 nor GB18030");
	decoder_feed(d, in, true, out);
	decoder_free(&d);
	if (out->len > start && memchr(out->data + start, UNDECODABLE, out->len - start))
		return error_set(e, STATUS_INVALID, "not in the character set that it names");
	return STATUS_OK;
}

static void add_upper(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_u8(out, (uint8_t)g_ascii_toupper((char)text.data[i]));
}

/* NAME=A,B to ;NAME=A;NAME=B and a bare word of 2.1 to ;TYPE=WORD */
static void add_parameter(struct buf *out, struct bytes p)
{
	const uint8_t *equals = p.len ? memchr(p.data, '=', p.len) : NULL;
	struct bytes name =
		equals ? bytes_of(p.data, (size_t)(equals - p.data)) : bytes_str("TYPE");
	struct bytes rest = equals ? bytes_of(equals + 1, p.len - name.len - 1) : p;

	if (!equals && p.len && has_word(p, "QUOTED-PRINTABLE"))
		name = bytes_str("ENCODING");
	do {
		const uint8_t *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
		struct bytes one =
			bytes_of(rest.data, comma ? (size_t)(comma - rest.data) : rest.len);

		rest = comma ? bytes_of(comma + 1, rest.len - one.len - 1) : bytes_of("", 0);
		add_upper(out, name);
		buf_add_u8(out, '=');
		for (size_t i = 0; i < one.len; i++)
			if (one.data[i] != '"' && one.data[i] != ';')
				buf_add_u8(out, (uint8_t)g_ascii_toupper((char)one.data[i]));
		buf_add_u8(out, ';');
	} while (rest.len);
}

/* group.NAME;PARAMETERS into words. False when it is no name. */
static bool take_head(struct parser *p, struct bytes head, struct place *to)
{
	size_t len = 0, dot = 0;
	bool quoted = false;

	while (len < head.len && head.data[len] != ';') {
		dot = head.data[len] == '.' ? len + 1 : dot;
		len++;
	}
	if (len == dot)
		return false;
	for (size_t i = dot; i < len; i++)
		if (!g_ascii_isalnum(head.data[i]) && head.data[i] != '-')
			return false;
	to->name = p->words.len;
	add_upper(&p->words, bytes_of(head.data + dot, len - dot));
	buf_add_u8(&p->words, 0);
	to->parameters = p->words.len;
	buf_add_u8(&p->words, ';');
	for (size_t start = len + 1, i = start; start <= head.len; i++) {
		if (i < head.len && head.data[i] == '"')
			quoted = !quoted;
		if (i < head.len && (quoted || head.data[i] != ';'))
			continue;
		add_parameter(&p->words, bytes_of(head.data + start, i - start));
		start = i + 1;
	}
	buf_add_u8(&p->words, 0);
	return true;
}

static struct bytes parameter_of(const char *parameters, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = parameters; (at = strchr(at, ';')) && at[1];) {
		at++;
		if (!strncmp(at, name, len) && at[len] == '=')
			return bytes_of(at + len + 1, strcspn(at + len + 1, ";"));
	}
	return bytes_of("", 0);
}

static enum status add_value(
	struct parser *p, struct bytes value, struct place *to, struct error *e)
{
	const char *parameters = (const char *)p->words.data + to->parameters;
	struct bytes encoding = parameter_of(parameters, "ENCODING");
	struct buf bytes = BUF_INIT;
	enum status st = STATUS_OK;

	to->value = p->card->room.len;
	if (bytes_equal_str(encoding, "QUOTED-PRINTABLE")) {
		quoted_printable(value, &bytes);
		st = to_utf8(
			buf_bytes(&bytes), parameter_of(parameters, "CHARSET"), &p->card->room, e);
		if (st)
			error_prefix(e, "%s", (const char *)p->words.data + to->name);
	} else {
		buf_add_bytes(&p->card->room, value);
	}
	to->len = p->card->room.len - to->value;
	buf_free(&bytes);
	return st;
}

static void take_version(struct parser *p, struct bytes value)
{
	value = text_trim(value);
	p->card->version = bytes_equal_str(value, "4.0")   ? VCARD_4_0
			   : bytes_equal_str(value, "3.0") ? VCARD_3_0
							   : VCARD_2_1;
}

static enum status take_property(struct parser *p, struct bytes head, struct error *e)
{
	struct bytes line = buf_bytes(&p->line);
	struct bytes value = bytes_of(line.data + head.len + 1, line.len - head.len - 1);
	struct place place;

	if (!take_head(p, head, &place))
		return error_set(e, STATUS_INVALID, "has a line that is no property");
	const char *name = (const char *)p->words.data + place.name;
	bool begin = !strcmp(name, "BEGIN"), end = !strcmp(name, "END");

	/* A card may hold another one (AGENT): that one is passed over. */
	if (begin || end) {
		p->depth += begin ? 1u : 0u;
		p->ended = p->ended || (end && p->depth == 1);
		p->depth -= end && p->depth ? 1u : 0u;
		return STATUS_OK;
	}
	if (p->depth != 1)
		return STATUS_OK;
	if (!strcmp(name, "VERSION"))
		take_version(p, value);
	if (p->properties->len == VCARD_PROPERTIES_MAX)
		return error_set(
			e, STATUS_INVALID, "has more than %d properties", VCARD_PROPERTIES_MAX);
	enum status st = add_value(p, value, &place, e);
	g_array_append_val(p->properties, place);
	return st;
}

/* The version decides how lines are folded and may stand anywhere: it is looked for first. */
static void find_version(struct vcard *card, struct bytes text)
{
	card->version = VCARD_2_1;
	while (text.len) {
		struct bytes line = take_line(&text);

		if (line.len < 12 && has_word(line, "VERSION:4.0"))
			card->version = VCARD_4_0;
		else if (line.len < 12 && has_word(line, "VERSION:3.0"))
			card->version = VCARD_3_0;
	}
}

/* Offsets become pointers, now that nothing moves any more. */
static void settle(struct parser *p)
{
	struct vcard *card = p->card;
	size_t base = card->room.len;

	buf_add_bytes(&card->room, buf_bytes(&p->words));
	card->n = p->properties->len;
	card->properties = items_new(card->n + 1, sizeof *card->properties);
	for (size_t i = 0; i < card->n; i++) {
		const struct place *from = &g_array_index(p->properties, struct place, i);
		struct vcard_property *to = &card->properties[i];

		to->name = (const char *)card->room.data + base + from->name;
		to->parameters = (const char *)card->room.data + base + from->parameters;
		to->value = bytes_of(card->room.data + from->value, from->len);
	}
}

static enum status take_content(struct parser *p, struct error *e)
{
	enum status st = STATUS_OK;

	while (!st && !p->ended && next_content_line(p)) {
		struct bytes head = head_of(buf_bytes(&p->line));

		if (!text_trim(buf_bytes(&p->line)).len)
			continue;
		if (!head.len)
			return error_set(e, STATUS_INVALID, "has a line that is no property");
		st = take_property(p, head, e);
	}
	return st;
}

enum status vcard_parse(struct bytes text, struct vcard *out, struct error *e)
{
	struct parser p = { .card = out, .rest = text };
	enum status st;

	*out = (struct vcard){ 0 };
	p.properties = g_array_new(FALSE, FALSE, sizeof(struct place));
	find_version(out, text);
	st = take_content(&p, e);
	if (!st && !p.ended)
		st = error_set(e, STATUS_INVALID, "is not from BEGIN:VCARD to END:VCARD");
	if (!st)
		settle(&p);
	g_array_free(p.properties, TRUE);
	buf_free(&p.line);
	buf_free(&p.words);
	return st;
}

void vcard_free(struct vcard *card)
{
	free(card->properties);
	buf_free(&card->room);
	*card = (struct vcard){ 0 };
}

struct bytes vcard_parameter(const struct vcard_property *p, const char *name)
{
	return parameter_of(p->parameters, name);
}

bool vcard_has_type(const struct vcard_property *p, const char *type)
{
	size_t len = strlen(type);

	for (const char *at = p->parameters; (at = strstr(at, ";TYPE=")); at++)
		if (!strncmp(at + 6, type, len) && at[6 + len] == ';')
			return true;
	return false;
}

/* One character of a value, its escape resolved. */
static struct bytes add_unescaped(struct buf *out, struct bytes in)
{
	uint8_t next = in.len > 1 ? in.data[1] : 0;

	if (in.data[0] != '\\' || !next || !memchr("\\,;:nN", next, 6)) {
		buf_add_u8(out, in.data[0]);
		return bytes_of(in.data + 1, in.len - 1);
	}
	buf_add_u8(out, next == 'n' || next == 'N' ? '\n' : next);
	return bytes_of(in.data + 2, in.len - 2);
}

/* CR LF, which quoted-printable has, is one line end. */
static void add_line_end(struct buf *out, struct bytes *in)
{
	if (in->data[0] == '\r' && in->len > 1 && in->data[1] == '\n')
		*in = bytes_of(in->data + 1, in->len - 1);
	*in = add_unescaped(out, *in);
}

void vcard_text(const struct vcard_property *p, struct buf *out)
{
	struct bytes in = p->value;

	while (in.len)
		add_line_end(out, &in);
}

bool vcard_component(const struct vcard_property *p, size_t nth, struct buf *out)
{
	struct bytes in = p->value;
	size_t at = 0;

	while (in.len && at < nth) {
		bool escaped = in.data[0] == '\\' && in.len > 1;

		at += in.data[0] == ';';
		in = bytes_of(in.data + 1 + escaped, in.len - 1 - escaped);
	}
	if (at < nth)
		return false;
	while (in.len && in.data[0] != ';')
		add_line_end(out, &in);
	return true;
}

/* Reading */

enum status vcard_reader_open(
	struct vcard_reader *r, int fd, enum encoding encoding, struct error *e)
{
	*r = (struct vcard_reader){ 0 };
	return line_reader_open(&r->lines, fd, encoding, VCARD_MAX, e);
}

void vcard_reader_release(struct vcard_reader *r)
{
	line_reader_release(&r->lines);
	buf_free(&r->text);
}

static bool line_is(struct bytes line, const char *word)
{
	line = text_trim(line);
	return line.len == strlen(word) && has_word(line, word);
}

/* Pictures, sounds and keys are the bulk of a card and have no field. */
static bool is_bulk(struct bytes line)
{
	static const char *const names[] = { "PHOTO", "LOGO", "SOUND", "KEY" };
	const uint8_t *dot =
		line.len ? memchr(line.data, '.', line.len < 40 ? line.len : 40) : NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t len = strlen(names[i]);

		for (int group = 0; group < (dot ? 2 : 1); group++) {
			struct bytes at =
				group ? bytes_of(dot + 1, line.len - (size_t)(dot + 1 - line.data))
				      : line;

			if (at.len > len && (at.data[len] == ';' || at.data[len] == ':') &&
				!g_ascii_strncasecmp((const char *)at.data, names[i], len))
				return true;
		}
	}
	return false;
}

/* Lines of base64 that a bulk property goes on with: folded ones, and bare ones up to a blank line. */
static bool goes_on(struct bytes line)
{
	if (!line.len)
		return false;
	return line.data[0] == ' ' || line.data[0] == '\t' ||
	       (!memchr(line.data, ':', line.len) && !memchr(line.data, ';', line.len));
}

static void card_line(struct vcard_reader *r, const struct line *line, bool *bulk)
{
	*bulk = is_bulk(line->text) || (*bulk && goes_on(line->text));
	if (line->bad && !r->bad[0])
		snprintf(r->bad, sizeof r->bad, "line %llu: %s", (unsigned long long)line->number,
			line->bad);
	if (*bulk)
		return;
	if (r->text.len + line->text.len > VCARD_MAX) {
		snprintf(r->bad, sizeof r->bad, "card of more than %u bytes", VCARD_MAX);
		return;
	}
	buf_add_bytes(&r->text, line->text);
	buf_add_u8(&r->text, '\n');
}

bool vcard_reader_next(struct vcard_reader *r, struct vcard_row *out)
{
	struct line line;
	unsigned depth = 0;
	bool any = false, bulk = false;

	buf_clear(&r->text);
	r->bad[0] = '\0';
	while (line_reader_next(&r->lines, &line)) {
		if (!any && !line.bad && !text_trim(line.text).len)
			continue;
		if (!any)
			out->line = line.number;
		any = true;
		depth += line_is(line.text, "BEGIN:VCARD") ? 1u : 0u;
		card_line(r, &line, &bulk);
		if (!depth && !r->bad[0])
			snprintf(r->bad, sizeof r->bad, "text outside a card");
		depth -= depth && line_is(line.text, "END:VCARD") ? 1u : 0u;
		if (!depth)
			break;
	}
	if (depth && !r->bad[0])
		snprintf(r->bad, sizeof r->bad, "card without its end");
	out->text = buf_bytes(&r->text);
	out->bad = r->bad[0] ? r->bad : NULL;
	return any;
}

/* Writing */

void vcard_add_line(struct buf *out, struct bytes line)
{
	size_t room = LINE_BYTES;

	while (line.len > room) {
		size_t len = room;

		while (len > 1 && (line.data[len] & 0xc0) == 0x80)
			len--;
		buf_add_bytes(out, bytes_of(line.data, len));
		buf_add_str(out, "\r\n ");
		line = bytes_of(line.data + len, line.len - len);
		room = LINE_BYTES - 1;
	}
	buf_add_bytes(out, line);
	buf_add_str(out, "\r\n");
}

void vcard_add_escaped(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool pair = i + 1 < text.len && text.data[i + 1] == '\n';

		/* A value has one kind of line end. */
		if (text.data[i] == '\n' || (text.data[i] == '\r' && !pair))
			buf_add_str(out, "\\n");
		else if (memchr("\\,;", text.data[i], 3))
			buf_printf(out, "\\%c", text.data[i]);
		else if (text.data[i] != '\r')
			buf_add_u8(out, text.data[i]);
	}
}
