/*
 * What a value type consists of: one row a type, in files by family. Only type*.c include this.
 */
#ifndef COMMON_TYPE_ROW_H
#define COMMON_TYPE_ROW_H

#include "common/type.h"

struct type_row {
	const char *name;
	uint8_t wire;
	bool zigzag;
	bool list;      /* the field may be repeated; parse gets one item */
	bool set;       /* a list without repetition */
	bool right;     /* aligned right in a table */
	bool reference; /* holds ids of one entity */
	size_t max;     /* of text: longest in characters when the field does not say */
	/* text is trimmed and not empty. */
	enum status (*parse)(const struct field *f, struct bytes text,
		const struct parse_context *ctx, struct buf *out, struct error *e);
	void (*format)(const struct field *f, const struct wire_field *w, enum form form,
		const struct format_context *ctx, struct buf *out);
	/* The value is one that parse could have given; the wire type is right already. */
	bool (*valid)(const struct field *f, const struct wire_field *w);
	/* Types of bytes only: normal form, and the key when it is another. Appended. */
	void (*normal)(struct bytes text, struct buf *out);
	void (*key)(const struct field *f, struct bytes text, struct bytes reading, size_t max,
		struct buf *out);
};

extern const struct type_row type_text, type_long_text, type_birthday, type_phone, type_email,
	type_url;
extern const struct type_row type_integer, type_decimal, type_money, type_percent, type_bool;
extern const struct type_row type_date, type_datetime, type_time;
extern const struct type_row type_choice, type_choices, type_ref, type_refs, type_ref_any;
extern const struct type_row type_tags, type_texts, type_integers, type_file;

const struct type_row *type_row_of(enum field_type type);
size_t type_max(const struct field *f); /* longest text in characters */

/* A whole list: splits text into items and parses each. */
enum status type_list_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e);

/* Parts that families share. */
enum status type_line_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e);
bool type_line_valid(const struct field *f, const struct wire_field *w);
void type_text_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out);
enum status type_integer_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e);
void type_integer_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out);

#endif
