/* What a query means: its atoms, and whether a record has them. */
#include "common/han.h"
#include "common/text.h"
#include "common/type.h"
#include "server/store/search.h"
#include <glib.h>

#define FIRST_UNSPACED 0x1100u /* from here on scripts are written without blanks, or nearly so */

enum character_kind { CHARACTER_OTHER, CHARACTER_WORD, CHARACTER_HAN };

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static enum character_kind character_kind(uint32_t c)
{
	if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return CHARACTER_WORD;
	if (c < 0x80 || c > 0x10ffff)
		return CHARACTER_OTHER;
	if (text_is_han(c))
		return CHARACTER_HAN;
	if (!g_unichar_isalnum(c))
		return CHARACTER_OTHER;
	return c < FIRST_UNSPACED ? CHARACTER_WORD : CHARACTER_HAN;
}

bool search_token(struct bytes *rest, const uint8_t *start, struct token *out)
{
	enum character_kind kind = CHARACTER_OTHER;

	out->text.len = 0;
	while (rest->len > 0) {
		struct bytes after = *rest;
		enum character_kind next = character_kind(text_next(&after));

		if (kind != CHARACTER_OTHER && next != kind)
			break;
		if (kind == CHARACTER_OTHER)
			out->text.data = rest->data;
		kind = next;
		*rest = after;
	}
	if (kind == CHARACTER_OTHER)
		return false;
	out->kind = kind == CHARACTER_HAN ? TOKEN_HAN : TOKEN_WORD;
	out->text.len = (size_t)(rest->data - out->text.data);
	out->offset = (size_t)(out->text.data - start);
	return true;
}

bool search_digits(struct bytes *rest, const uint8_t *start, struct token *out)
{
	size_t i = 0, k;

	out->text.len = 0;
	if (rest->len == 0)
		return false;
	while (i < rest->len && !is_digit(rest->data[i]))
		i++;
	for (k = i; k < rest->len && is_digit(rest->data[k]); k++)
		;
	*out = (struct token){ TOKEN_DIGITS, { rest->data + i, k - i },
		(size_t)(rest->data - start) + i };
	rest->data += k;
	rest->len -= k;
	return out->text.len > 0;
}

bool search_all_digits(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.data[i]))
			return false;
	return true;
}

/* A query like "+86 138-0000-0001": one number. */
static bool is_number(struct bytes folded)
{
	size_t digits = 0;

	for (size_t i = 0; i < folded.len; i++) {
		if (is_digit(folded.data[i]))
			digits++;
		else if (strchr("+-() ./", folded.data[i]) == NULL || folded.data[i] == 0)
			return false;
	}
	return digits >= 4;
}

/* Leaves the digits; without the country code when it was written. */
static void keep_digits(struct buf *b)
{
	size_t n = 0, skip = 0;
	bool plus = b->len > 0 && b->data[0] == '+';

	for (size_t i = 0; i < b->len; i++)
		if (is_digit(b->data[i]))
			b->data[n++] = b->data[i];
	b->len = n;
	if (plus && n >= 6 && memcmp(b->data, "86", 2) == 0)
		skip = 2;
	buf_drop(b, skip);
}

static void fold_trimmed(struct buf *out, struct bytes text)
{
	buf_clear(out);
	text_fold(out, text_trim(text));
}

static void add_atom(struct search_query *q, const struct token *token)
{
	struct search_atom *atom;

	if (q->n == SEARCH_MAX_ATOMS) {
		q->many = true;
		return;
	}
	atom = &q->atoms[q->n++];
	atom->token = *token;
	atom->ntyped = 0;
	if (token->kind == TOKEN_WORD && token->text.len >= 4 && search_all_digits(token->text))
		atom->token.kind = TOKEN_DIGITS;
	else if (token->kind == TOKEN_WORD)
		atom->ntyped = pinyin_typed(token->text, atom->typed);
}

void search_query_init(struct search_query *q, struct bytes text)
{
	struct token token;
	struct bytes rest;
	bool words = true;

	memset(&q->folded, 0, sizeof q->folded);
	q->n = q->ntyped = 0;
	q->many = false;
	fold_trimmed(&q->folded, text);
	han_fold(&q->folded);
	if (is_number(buf_bytes(&q->folded)))
		keep_digits(&q->folded);
	rest = buf_bytes(&q->folded);
	while (search_token(&rest, q->folded.data, &token))
		add_atom(q, &token);
	for (size_t i = 0; i < q->n; i++)
		words = words && q->atoms[i].ntyped > 0;
	if (words && q->n > 0)
		q->ntyped = pinyin_typed(buf_bytes(&q->folded), q->typed);
}

void search_query_free(struct search_query *q)
{
	buf_free(&q->folded);
}

bool search_is_reading(const struct entity *entity, const struct field *f)
{
	for (size_t i = 0; g_str_has_suffix(f->name, "_reading") && i < entity->nfields; i++)
		if ((entity->fields[i].flags & F_NAME) &&
			entity_field_reading(entity, &entity->fields[i]) == f)
			return true;
	return false;
}

bool search_is_searched(const struct entity *entity, const struct field *f)
{
	return (f->flags & F_SEARCH) && !(f->flags & (F_RETIRED | F_COMPUTED | F_VIRTUAL)) &&
	       !search_is_reading(entity, f);
}

void search_each(const struct entity *entity, struct bytes fields,
	void (*fn)(void *arg, const struct field *f, struct bytes run), void *arg)
{
	struct bytes rest = fields, after;
	struct wire_field w, next;
	bool more = record_next(&rest, &w, NULL);

	while (more) {
		struct bytes run = w.whole;
		const struct field *f = entity_field_by_tag(entity, w.tag);

		for (after = rest; (more = record_next(&after, &next, NULL)) && next.tag == w.tag;)
			rest = after;
		run.len = (size_t)(rest.data - run.data);
		if (f != NULL && search_is_searched(entity, f))
			fn(arg, f, run);
		rest = after;
		w = next;
	}
}

static bool is_text(enum field_type type)
{
	switch (type) {
	case T_TEXT:
	case T_LONG_TEXT:
	case T_PHONE:
	case T_EMAIL:
	case T_URL:
	case T_TAGS:
	case T_TEXTS:
		return true;
	default:
		return false;
	}
}

static bool has_han(struct bytes text)
{
	while (text.len > 0)
		if (text_is_han(text_next(&text)))
			return true;
	return false;
}

bool search_value_read(const struct field *f, const struct wire_field *w, struct search_value *v)
{
	v->pinyin = false;
	v->nunits = 0;
	if (is_text(f->type) && w->wire == WIRE_BYTES) {
		fold_trimmed(&v->folded, w->bytes);
		if (f->type == T_PHONE)
			keep_digits(&v->folded);
	} else if ((f->type == T_INTEGER || f->type == T_INTEGERS) && w->wire == WIRE_VARINT) {
		buf_clear(&v->folded);
		buf_printf(&v->folded, "%lld",
			type_is_signed(f->type) ? (long long)unzigzag(w->number)
						: (long long)w->number);
	} else {
		return false;
	}
	if (f->type != T_LONG_TEXT && has_han(buf_bytes(&v->folded))) {
		v->pinyin = true;
		v->nunits = pinyin_units(buf_bytes(&v->folded), v->units, PINYIN_MAX_UNITS);
	}
	han_fold(
		&v->folded); /* after the readings, which are those of the character as it is written */
	return v->folded.len > 0;
}

bool search_value_reading(const struct entity *entity, const struct field *f, struct bytes fields,
	struct search_value *v)
{
	const struct field *reading = entity_field_reading(entity, f);

	if (reading == NULL)
		return false;
	buf_clear(&v->folded);
	v->pinyin = true;
	v->nunits =
		pinyin_reading_units(record_text(fields, reading->tag), v->units, PINYIN_MAX_UNITS);
	return v->nunits > 0;
}

static enum search_rank match_han(struct bytes folded, struct bytes atom)
{
	const uint8_t *at;

	if (bytes_starts(folded, atom))
		return RANK_START;
	at = folded.len < atom.len ? NULL : memmem(folded.data, folded.len, atom.data, atom.len);
	return at != NULL ? RANK_INSIDE : RANK_NONE;
}

static enum search_rank match_word(struct bytes folded, struct bytes atom)
{
	struct bytes rest = folded;
	enum search_rank rank = RANK_NONE;
	struct token token;

	while (rank != RANK_START && search_token(&rest, folded.data, &token))
		if (token.kind == TOKEN_WORD && bytes_starts(token.text, atom))
			rank = token.offset == 0 ? RANK_START : RANK_INSIDE;
	return rank;
}

static enum search_rank match_digits(struct bytes folded, struct bytes atom)
{
	struct bytes rest = folded;
	enum search_rank rank = RANK_NONE;
	struct token run;

	while (rank == RANK_NONE && search_digits(&rest, folded.data, &run)) {
		rank = match_han(run.text, atom);
		if (rank == RANK_START && run.offset > 0)
			rank = RANK_INSIDE;
	}
	return rank;
}

static enum search_rank match_atom(const struct search_value *v, const struct search_atom *atom)
{
	struct bytes folded = buf_bytes(&v->folded);
	enum search_rank rank;
	int sound;

	if (atom->token.kind == TOKEN_HAN)
		return match_han(folded, atom->token.text);
	if (atom->token.kind == TOKEN_DIGITS)
		return match_digits(folded, atom->token.text);
	rank = match_word(folded, atom->token.text);
	if (rank == RANK_START || !v->pinyin || atom->ntyped == 0)
		return rank;
	sound = pinyin_match_typed(v->units, v->nunits, atom->typed, atom->ntyped);
	/* A single letter counts at the start only: anywhere it would find nearly everything. */
	if (atom->ntyped == 1 && sound == RANK_INSIDE)
		sound = RANK_NONE;
	if (sound > RANK_START)
		sound = RANK_START;
	return sound > (int)rank ? (enum search_rank)sound : rank;
}

static bool match_whole(const struct search_value *v, const struct search_query *q)
{
	struct bytes folded = buf_bytes(&v->folded);

	if (folded.len > 0 && folded.len <= SEARCH_MAX_WHOLE &&
		bytes_equal(folded, buf_bytes(&q->folded)))
		return true;
	return v->pinyin && q->ntyped > 0 && v->nunits <= SEARCH_MAX_LENGTH &&
	       pinyin_match_typed(v->units, v->nunits, q->typed, q->ntyped) == RANK_WHOLE;
}

struct match_state {
	const struct search_query *q;
	const struct entity *entity;
	struct bytes fields;
	unsigned class_mask;
	struct search_value value;
	enum search_rank atoms[SEARCH_MAX_ATOMS];
	bool whole;
};

static void match_init(struct match_state *m, const struct search_query *q,
	const struct entity *entity, struct bytes fields, unsigned class_mask)
{
	m->q = q;
	m->entity = entity;
	m->fields = fields;
	m->class_mask = class_mask;
	m->whole = false;
	memset(m->atoms, 0, sizeof m->atoms);
	memset(&m->value.folded, 0, sizeof m->value.folded);
}

static void match_value(struct match_state *m)
{
	for (size_t i = 0; i < m->q->n; i++) {
		enum search_rank rank = m->atoms[i] < RANK_START
						? match_atom(&m->value, &m->q->atoms[i])
						: RANK_NONE;

		if (rank > m->atoms[i])
			m->atoms[i] = rank;
	}
	m->whole = m->whole || match_whole(&m->value, m->q);
}

static void match_field(void *arg, const struct field *f, struct bytes run)
{
	struct match_state *m = arg;
	struct wire_field w;

	if (!(m->class_mask & 1u << field_strictest(f)))
		return;
	if (search_value_reading(m->entity, f, m->fields, &m->value))
		match_value(m);
	while (record_next(&run, &w, NULL))
		if (search_value_read(f, &w, &m->value))
			match_value(m);
}

static int match_end(struct match_state *m)
{
	bool all = m->q->n > 0;

	buf_free(&m->value.folded);
	for (size_t i = 0; i < m->q->n; i++)
		all = all && m->atoms[i] != RANK_NONE;
	if (!all)
		return RANK_NONE;
	if (m->whole)
		return RANK_WHOLE;
	return m->atoms[0] >= RANK_START ? RANK_START : RANK_INSIDE;
}

int search_query_match(const struct search_query *q, const struct entity *entity,
	struct bytes fields, unsigned class_mask)
{
	struct match_state m;

	match_init(&m, q, entity, fields, class_mask);
	search_each(entity, fields, match_field, &m);
	return match_end(&m);
}

int search_match(
	const struct entity *entity, struct bytes fields, struct bytes text, unsigned class_mask)
{
	struct search_query q;
	int rank;

	search_query_init(&q, text);
	rank = search_query_match(&q, entity, fields, class_mask);
	search_query_free(&q);
	return rank;
}
