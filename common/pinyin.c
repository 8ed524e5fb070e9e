#include "common/pinyin.h"
#include "common/pinyin_table.h"
#include "common/text.h"
#include <glib.h>

#define SYLLABLE_OF(entry) ((uint16_t)((entry) >> 3 & 0x1ff))
#define TONE_OF(entry) ((uint8_t)((entry)&7))

/* First entry of a character, or the table's end. */
static size_t table_find(uint32_t code_point)
{
	size_t low = 0, high = pinyin_table_total;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pinyin_table[middle] >> 12 < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void pinyin_unit_of(uint32_t code_point, struct pinyin_unit *out)
{
	size_t i = table_find(code_point);

	out->code_point = code_point;
	out->n = 0;
	out->tone = 0;
	for (; i < pinyin_table_total && pinyin_table[i] >> 12 == code_point; i++) {
		if (out->n == 0)
			out->tone = TONE_OF(pinyin_table[i]);
		if (out->n < PINYIN_MAX_READINGS)
			out->symbols[out->n++] = SYLLABLE_OF(pinyin_table[i]);
	}
}

size_t pinyin_readings(uint32_t code_point, const char *out[PINYIN_MAX_READINGS])
{
	struct pinyin_unit unit;

	pinyin_unit_of(code_point, &unit);
	for (size_t i = 0; i < unit.n; i++)
		out[i] = pinyin_syllable_text[unit.symbols[i]];
	return unit.n;
}

uint8_t pinyin_tone(uint32_t code_point, uint16_t syllable)
{
	for (size_t i = table_find(code_point);
		i < pinyin_table_total && pinyin_table[i] >> 12 == code_point; i++)
		if (SYLLABLE_OF(pinyin_table[i]) == syllable)
			return TONE_OF(pinyin_table[i]);
	return 0;
}

size_t pinyin_syllable_count(void)
{
	return pinyin_syllable_total;
}

const char *pinyin_syllable(size_t i)
{
	return pinyin_syllable_text[i];
}

int pinyin_syllable_index(struct bytes syllable)
{
	size_t low = 0, high = pinyin_syllable_total;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(bytes_str(pinyin_syllable_text[middle]), syllable);

		if (order == 0)
			return (int)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* ASCII letter or digit in lower case, also from full-width; 0 for anything else. */
static char plain_letter(uint32_t c)
{
	if (c >= 0xff10 && c <= 0xff5a)
		c -= 0xff10 - '0';
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? (char)c : 0;
}

size_t pinyin_units(struct bytes text, struct pinyin_unit *out, size_t max)
{
	size_t n = 0;
	uint32_t c;

	while (n < max && (c = text_next(&text)) != 0) {
		char letter = plain_letter(c);

		if (letter != 0)
			out[n++] = (struct pinyin_unit){ .code_point = c,
				.n = 1,
				.symbols = { (uint16_t)(PINYIN_LETTER | (uint8_t)letter) } };
		else if (text_is_han(c))
			pinyin_unit_of(c, &out[n++]);
	}
	return n;
}

const char *pinyin_symbol(uint16_t symbol)
{
	static const char letters[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0"
				      "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0"
				      "n\0o\0p\0q\0r\0s\0t\0u\0v\0w\0x\0y\0z";
	uint16_t letter = symbol & 0x7fff;

	if (symbol < PINYIN_LETTER)
		return pinyin_syllable_text[symbol];
	return &letters[2 * (letter >= 'a' ? letter - 'a' + 10 : letter - '0')];
}

/*
 * Splits letters into the fewest syllables; *n 0 if they are none. best[i] is 1 + the fewest syllables of the first i letters.
 */
static size_t split_syllables(const char *letters, size_t len, uint16_t *out, size_t max)
{
	uint8_t best[PINYIN_MAX_TYPED + 1] = { 1 };
	uint16_t last[PINYIN_MAX_TYPED + 1] = { 0 };
	size_t count;

	for (size_t i = 0; i < len; i++)
		for (size_t k = 1; best[i] > 0 && k <= PINYIN_MAX_SYLLABLE && i + k <= len; k++) {
			int s = pinyin_syllable_index(bytes_of(letters + i, k));

			if (s < 0 || (best[i + k] > 0 && best[i + k] <= best[i] + 1))
				continue;
			best[i + k] = (uint8_t)(best[i] + 1);
			last[i + k] = (uint16_t)s;
		}
	if (best[len] == 0 || best[len] - 1u > max)
		return 0;
	count = best[len] - 1u;
	for (size_t i = len, at = count; at > 0; i -= strlen(pinyin_syllable_text[last[i]]))
		out[--at] = last[i];
	return count;
}

/* Adds the syllables of one word; a tone belongs to a word of one syllable. Returns the new n. */
static size_t add_word(
	const char *word, size_t len, uint8_t tone, struct pinyin_unit *out, size_t n, size_t max)
{
	uint16_t symbols[PINYIN_MAX_TYPED];
	size_t count = split_syllables(word, len, symbols, PINYIN_MAX_TYPED);

	for (size_t i = 0; i < count && n < max; i++)
		out[n++] = (struct pinyin_unit){
			.n = 1, .tone = count == 1 ? tone : 0, .symbols = { symbols[i] }
		};
	return n;
}

/* Tone of a combining mark, 0 for none. */
static uint8_t mark_tone(gunichar c)
{
	static const gunichar marks[] = { 0, 0x304, 0x301, 0x30c, 0x300 };

	for (uint8_t i = 1; i < 5; i++)
		if (c == marks[i])
			return i;
	return 0;
}

static size_t decomposed_units(const char *p, struct pinyin_unit *out, size_t max)
{
	char word[PINYIN_MAX_TYPED];
	size_t len = 0, n = 0;
	uint8_t tone = 0;

	for (;; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		char letter = plain_letter(c);

		if (letter >= 'a' && len < sizeof word) {
			word[len++] = letter;
		} else if (mark_tone(c) != 0 || (letter >= '1' && letter <= '5')) {
			tone = letter ? (uint8_t)(letter - '0') : mark_tone(c);
		} else if ((c == 0x308 || c == ':') && len > 0 && word[len - 1] == 'u') {
			word[len - 1] = 'v';
		} else {
			n = add_word(word, len, tone, out, n, max);
			len = 0;
			tone = 0;
			if (c == 0)
				return n;
		}
	}
}

size_t pinyin_reading_units(struct bytes reading, struct pinyin_unit *out, size_t max)
{
	size_t n = 0;
	char *apart;

	if (reading.len == 0 || reading.len > 4096)
		return 0;
	apart = g_utf8_normalize((const char *)reading.data, (gssize)reading.len, G_NORMALIZE_NFD);
	if (apart != NULL)
		n = decomposed_units(apart, out, max);
	g_free(apart);
	return n;
}

size_t pinyin_typed(struct bytes typed, char out[PINYIN_MAX_TYPED])
{
	size_t n = 0;
	uint32_t c;

	while ((c = text_next(&typed)) != 0) {
		char letter = c == 0xfc || c == 0xdc ? 'v' : plain_letter(c);

		if (c == ' ' || c == '\'' || c == 0x3000 || c == 0x2019)
			continue;
		if ((c == ':' || c == 0x308) && n > 0 && out[n - 1] == 'u')
			out[n - 1] = 'v';
		else if (letter != 0 && n < PINYIN_MAX_TYPED)
			out[n++] = letter;
		else
			return 0;
	}
	return n;
}

/* After j, q, x, y the letter u is ü, which some people type as v. */
static bool letters_equal(char typed, const char *reading, size_t i)
{
	char r = reading[i];

	if (typed == r || (typed == 'u' && r == 'v'))
		return true;
	return typed == 'v' && r == 'u' && i > 0 && strchr("jqxy", reading[i - 1]) != NULL;
}

size_t pinyin_take(const char *typed, size_t n, const char *reading, bool *cut)
{
	size_t i;

	*cut = false;
	for (i = 0; reading[i] != 0; i++) {
		if (i == n) {
			*cut = true;
			return i;
		}
		if (!letters_equal(typed[i], reading, i))
			return 0;
	}
	return i;
}

enum { FROM_START = 1, FROM_ANYWHERE = 2 };

struct match {
	const char *typed;
	size_t len;
	bool initials;
	uint8_t now[PINYIN_MAX_TYPED +
		    1]; /* how each number of letters can be used up before this unit */
	uint8_t then[PINYIN_MAX_TYPED + 1];
	int rank;
};

static void match_reach(struct match *m, size_t at, uint8_t from, bool complete)
{
	int rank = from & FROM_START ? (complete ? 3 : 2) : 1;

	if (at == m->len)
		m->rank = rank > m->rank ? rank : m->rank;
	else
		m->then[at] |= from;
}

static void match_unit(struct match *m, const struct pinyin_unit *unit, bool last)
{
	bool letter = unit->n == 1 && unit->symbols[0] >= PINYIN_LETTER;

	for (size_t at = 0; at < m->len; at++) {
		if (m->now[at] == 0 || (letter && !m->initials))
			continue;
		for (size_t r = 0; r < unit->n; r++) {
			const char *reading = pinyin_symbol(unit->symbols[r]);
			bool cut = false;
			size_t taken = m->initials ? reading[0] == m->typed[at]
						   : pinyin_take(m->typed + at, m->len - at,
							     reading, &cut);

			if (taken > 0)
				match_reach(m, at + taken, m->now[at], last && !cut);
		}
	}
}

static int match_units(
	const struct pinyin_unit *units, size_t n, const char *typed, size_t len, bool initials)
{
	struct match m = { .typed = typed, .len = len, .initials = initials };

	for (size_t i = 0; i < n; i++) {
		m.now[0] = FROM_ANYWHERE | (i == 0 ? FROM_START : 0);
		memset(m.then, 0, len);
		match_unit(&m, &units[i], i + 1 == n);
		memcpy(m.now, m.then, len);
	}
	return m.rank;
}

int pinyin_match_typed(const struct pinyin_unit *units, size_t n, const char *typed, size_t len)
{
	int full = match_units(units, n, typed, len, false);
	int initials = full == 3 ? 0 : match_units(units, n, typed, len, true);

	return full > initials ? full : initials;
}

int pinyin_match(struct bytes text, struct bytes reading, struct bytes typed)
{
	struct pinyin_unit units[PINYIN_MAX_UNITS];
	char letters[PINYIN_MAX_TYPED];
	size_t len = pinyin_typed(typed, letters);
	int rank, corrected;

	if (len == 0)
		return 0;
	rank = pinyin_match_typed(units, pinyin_units(text, units, PINYIN_MAX_UNITS), letters, len);
	corrected = pinyin_match_typed(
		units, pinyin_reading_units(reading, units, PINYIN_MAX_UNITS), letters, len);
	return rank > corrected ? rank : corrected;
}
