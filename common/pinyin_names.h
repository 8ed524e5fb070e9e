/*
 * Readings that a character has in a surname, place or common word of company names, where it is not its commonest.
 * They decide the place in a sorted list only; search takes any reading.
 */
#ifndef COMMON_PINYIN_NAMES_H
#define COMMON_PINYIN_NAMES_H

#include <stddef.h>

struct pinyin_name {
	const char *text;
	const char *reading; /* syllables with tones, one a character */
};

/* Ascending by the bytes of text. */
extern const struct pinyin_name pinyin_surnames[];
extern const size_t pinyin_surnames_total;
extern const struct pinyin_name pinyin_phrases[];
extern const size_t pinyin_phrases_total;

#endif
