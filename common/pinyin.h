/*
 * Readings of Chinese characters, by a table made from Unicode's Unihan database (kTGHZ2013, kHanyuPinlu, kMandarin),
 * with surnames and phrases of our own.
 */
#ifndef COMMON_PINYIN_H
#define COMMON_PINYIN_H

#include "common/buf.h"

#define PINYIN_TABLE_VERSION 1 /* changes whenever a sort key can change */
#define PINYIN_MAX_READINGS 8
#define PINYIN_MAX_SYLLABLE 6

/* Toneless syllables (v for ü), the commonest first. Returns how many; 0 when none is known. Strings are constant. */
size_t pinyin_readings(uint32_t code_point, const char *out[PINYIN_MAX_READINGS]);

/* Number of syllables known, and the i-th in ascending order: for parsing typed pinyin. */
size_t pinyin_syllable_count(void);
const char *pinyin_syllable(size_t i);
/* Index of a syllable, or -1. */
int pinyin_syllable_index(struct bytes syllable);

/*
 * Sort key of a name, appended, at most max bytes, without NUL: per character syllable, tone, code point; Latin and digits before Chinese.
 * reading: correction such as "ceng guo qiang" (may be empty). person: take surnames for the first characters.
 */
void pinyin_sort_key(
	struct bytes name, struct bytes reading, bool person, size_t max, struct buf *out);

/*
 * Whether typed (letters, blanks ignored, ü and u: as v) matches text from some character on: full syllables with the last one possibly cut short,
 * or initials, through any combination of readings. reading: a correction that counts in addition (may be empty).
 * Returns the rank: 0 no match, 1 inside, 2 at the start, 3 the whole text.
 */
int pinyin_match(struct bytes text, struct bytes reading, struct bytes typed);

#endif
