/*
 * The generated table: one entry a reading, code point << 12 | syllable << 3 | tone (5: neutral), ascending by code
 * point, the commonest reading of a character first.
 */
#ifndef COMMON_PINYIN_TABLE_H
#define COMMON_PINYIN_TABLE_H

#include <stddef.h>
#include <stdint.h>

extern const char pinyin_syllable_text[][7]; /* ascending */
extern const size_t pinyin_syllable_total;
extern const uint32_t pinyin_table[];
extern const size_t pinyin_table_total;

#endif
