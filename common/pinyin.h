/*
 * Readings of Chinese characters, by a table made from Unicode's Unihan database (kTGHZ2013, kHanyuPinlu, kMandarin),
 * with surnames and phrases of our own.
 */
#ifndef COMMON_PINYIN_H
#define COMMON_PINYIN_H

#include "common/buf.h"

#define PINYIN_TABLE_VERSION 2 /* changes whenever a sort key can change */
#define PINYIN_MAX_READINGS 8
#define PINYIN_MAX_SYLLABLE 6

/* Toneless syllables (v for ü), the commonest first. Returns how many; 0 when none is known. Strings are constant. */
size_t pinyin_readings(uint32_t code_point, const char *out[PINYIN_MAX_READINGS]);

/* Number of syllables known, and the i-th in ascending order: for parsing typed pinyin. */
size_t pinyin_syllable_count(void);
const char *pinyin_syllable(size_t i);
/* Index of a syllable, or -1. */
int pinyin_syllable_index(struct bytes syllable);

/* A character as pinyin sees it: a Chinese character with its readings, or a Latin letter or digit that reads as itself. */
#define PINYIN_MAX_UNITS 256
struct pinyin_unit {
	uint32_t code_point;
	uint8_t n;
	uint8_t tone;                          /* of the first reading; 5 neutral, 0 unknown */
	uint16_t symbols[PINYIN_MAX_READINGS]; /* syllable, or PINYIN_LETTER | character */
};
#define PINYIN_LETTER 0x8000u

/* The unit of one Chinese character; n is 0 when no reading is known. */
void pinyin_unit_of(uint32_t code_point, struct pinyin_unit *out);
/* Tone in which a character has a syllable, the commonest; 0 when it has not. */
uint8_t pinyin_tone(uint32_t code_point, uint16_t syllable);
/* The units of a text, everything else dropped; at most max. */
size_t pinyin_units(struct bytes text, struct pinyin_unit *out, size_t max);
/* The units of a written reading such as "ceng guo qiang", "cengguoqiang" or "céng guó qiáng"; code points 0. */
size_t pinyin_reading_units(struct bytes reading, struct pinyin_unit *out, size_t max);
/* Text of a symbol, constant. */
const char *pinyin_symbol(uint16_t symbol);

/* Typed letters and digits in lower case, blanks and ' dropped, ü and u: as v. 0 when something else is in it or it is longer than out. */
#define PINYIN_MAX_TYPED 200
size_t pinyin_typed(struct bytes typed, char out[PINYIN_MAX_TYPED]);
/* How many of the typed letters a reading takes: all its letters; 0 if they differ. *cut: typed ends inside the reading. u typed is v as well. */
size_t pinyin_take(const char *typed, size_t n, const char *reading, bool *cut);

/*
 * Sort key of a name, appended, at most max bytes, without NUL: per character syllable, tone, code point; Latin and digits before Chinese.
 * reading: correction such as "ceng guo qiang" (may be empty). person: take surnames for the first characters.
 */
void pinyin_sort_key(
	struct bytes name, struct bytes reading, bool person, size_t max, struct buf *out);

/*
 * Whether typed (letters, blanks ignored, ü and u: as v) matches text from some character on: full syllables with the last one possibly cut short,
 * or initials (Latin letters and digits of the text count as initials), through any combination of readings. reading: a correction that counts in addition (may be empty).
 * Returns the rank: 0 no match, 1 inside, 2 at the start, 3 the whole text.
 */
int pinyin_match(struct bytes text, struct bytes reading, struct bytes typed);
/* The same for units made before and letters of pinyin_typed. */
int pinyin_match_typed(const struct pinyin_unit *units, size_t n, const char *typed, size_t len);

#endif
