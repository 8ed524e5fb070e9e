/*
 * Sort keys of names. Latin letters, digits and signs stand as their folded bytes (below 0x7f); other scripts follow as 0x7f and
 * the code point; Chinese characters with a reading follow as two bytes of syllable and tone (0x80 | six bits each) and three of
 * the code point; those without one come last (0xff and the code point).
 */
#include "common/pinyin.h"
#include "common/pinyin_names.h"
#include "common/text.h"

#define MAX_CHARACTERS 256 /* more than fit into any key */

struct character {
	uint32_t code_point;
	uint16_t offset; /* in the folded name */
	uint16_t syllable;
	uint8_t tone;
	bool han;
	bool known; /* syllable and tone are set */
};

struct name {
	struct bytes folded;
	size_t n;
	struct character at[MAX_CHARACTERS];
};

static void name_read(struct name *name, struct bytes folded)
{
	struct bytes rest = folded;
	uint32_t c;

	name->folded = folded;
	name->n = 0;
	while (name->n < MAX_CHARACTERS && folded.len - rest.len < UINT16_MAX) {
		size_t offset = folded.len - rest.len;

		c = text_next(&rest);
		if (c == 0)
			break;
		name->at[name->n++] = (struct character){
			.code_point = c, .offset = (uint16_t)offset, .han = text_is_han(c)
		};
	}
}

static void character_set(struct character *c, uint16_t syllable, uint8_t tone)
{
	if (c->known)
		return;
	c->known = true;
	c->syllable = syllable;
	c->tone = tone > 0 ? tone : pinyin_tone(c->code_point, syllable);
}

/* First row that is not below the character's bytes. */
static size_t names_find(const struct pinyin_name *names, size_t n, struct bytes character)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bytes_compare(bytes_str(names[middle].text), character) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The longest row that the name has at character i, or NULL. */
static const struct pinyin_name *names_match(
	const struct name *name, size_t i, const struct pinyin_name *names, size_t n)
{
	const struct pinyin_name *best = NULL;
	struct bytes rest = { name->folded.data + name->at[i].offset,
		name->folded.len - name->at[i].offset };
	struct bytes first = rest;

	text_next(&rest);
	first.len -= rest.len;
	rest = bytes_of(first.data, name->folded.len - name->at[i].offset);
	for (size_t k = names_find(names, n, first);
		k < n && bytes_starts(bytes_str(names[k].text), first); k++)
		if (bytes_starts(rest, bytes_str(names[k].text)))
			best = &names[k];
	return best;
}

/* Gives the characters from i on the reading of a row. Returns how many it has. */
static size_t name_apply(struct name *name, size_t i, const struct pinyin_name *row)
{
	struct pinyin_unit units[8];
	size_t n = pinyin_reading_units(bytes_str(row->reading), units, 8);

	for (size_t k = 0; k < n && i + k < name->n; k++)
		character_set(&name->at[i + k], units[k].symbols[0], units[k].tone);
	return n;
}

static void name_correct(struct name *name, struct bytes reading)
{
	struct pinyin_unit units[MAX_CHARACTERS];
	size_t n = pinyin_reading_units(reading, units, MAX_CHARACTERS);

	for (size_t i = 0, k = 0; i < name->n && k < n; i++)
		if (name->at[i].han) {
			character_set(&name->at[i], units[k].symbols[0], units[k].tone);
			k++;
		}
}

static void name_guess(struct name *name, bool person)
{
	const struct pinyin_name *row, *phrase;
	size_t i = 0;

	if (person && name->n > 0) {
		row = names_match(name, 0, pinyin_surnames, pinyin_surnames_total);
		phrase = names_match(name, 0, pinyin_phrases, pinyin_phrases_total);
		/* short names of firms come here too: 长安银行 begins with a place, 曾国强 with a surname */
		if (row != NULL && (phrase == NULL || strlen(phrase->text) <= strlen(row->text)))
			i = name_apply(name, 0, row);
	}
	while (i < name->n) {
		row = name->at[i].han ? names_match(name, i, pinyin_phrases, pinyin_phrases_total)
				      : NULL;
		i += row != NULL ? name_apply(name, i, row) : 1;
	}
}

static void add_code_point(struct buf *out, uint32_t c)
{
	buf_add_u8(out, (uint8_t)(0x80 | (c >> 14 & 0x7f)));
	buf_add_u8(out, (uint8_t)(0x80 | (c >> 7 & 0x7f)));
	buf_add_u8(out, (uint8_t)(0x80 | (c & 0x7f)));
}

static void character_key(struct character *c, struct buf *out)
{
	struct pinyin_unit unit;

	if (c->code_point < ' ' || c->code_point == UINT32_MAX)
		return;
	if (c->code_point < 0x7f) {
		buf_add_u8(out, (uint8_t)c->code_point);
		return;
	}
	if (c->han && !c->known) {
		pinyin_unit_of(c->code_point, &unit);
		if (unit.n > 0)
			character_set(c, unit.symbols[0], unit.tone);
	}
	if (c->known) {
		unsigned sound = (unsigned)c->syllable << 3 | c->tone;

		buf_add_u8(out, (uint8_t)(0x80 | (sound >> 6 & 0x3f)));
		buf_add_u8(out, (uint8_t)(0x80 | (sound & 0x3f)));
	} else {
		buf_add_u8(out, c->han ? 0xff : 0x7f);
	}
	add_code_point(out, c->code_point);
}

void pinyin_sort_key(
	struct bytes name, struct bytes reading, bool person, size_t max, struct buf *out)
{
	struct buf folded = BUF_INIT;
	struct name work;
	size_t start = out->len;

	text_fold(&folded, name);
	name_read(&work, buf_bytes(&folded));
	name_correct(&work, reading);
	name_guess(&work, person);
	for (size_t i = 0; i < work.n && out->len - start < max; i++)
		character_key(&work.at[i], out);
	if (out->len - start > max)
		out->len = start + max;
	buf_free(&folded);
}
