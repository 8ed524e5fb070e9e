/*
 * The value types. Each owns its text form, its wire form, its order-preserving key and its comparison, once.
 */
#ifndef COMMON_TYPE_H
#define COMMON_TYPE_H

#include "common/date.h"
#include "common/record.h"
#include "common/schema.h"

#define KEY_MAX 200 /* longest field key in bytes; what is longer is cut */

/* A saved filter: a text, or the members of a fixed group. Lives as long as what gave it. */
struct saved_filter {
	struct bytes text;
	struct bytes members; /* wire form: a run of signed numbers */
	bool fixed;
};

/* What parsing needs to know of the world. The functions may be NULL: then a choice or reference must be a number. */
struct parse_context {
	void *arg;
	/* The entry of a dictionary by code, zh label, en label. NOT_FOUND fills e with the allowed codes. */
	enum status (*choice)(void *arg, const char *dictionary, struct bytes text, uint64_t *id,
		struct error *e);
	/* A record by id, unique number or code, @name:TEXT; only those that the caller may see. */
	enum status (*reference)(
		void *arg, const char *entity, struct bytes text, uint64_t *id, struct error *e);
	/* The caller's own saved filter of that name, else one that is shared with him. NOT_FOUND; e says what is wrong. NULL: there are none. */
	enum status (*saved)(void *arg, const struct entity *entity, struct bytes name,
		struct saved_filter *out, struct error *e);
	const struct schema *schema; /* for references of any entity: "customer:12" */
	civil_date today;
	const struct zone *zone;
};

/* The entity whose records are the choices. */
#define CHOICE_ENTITY "dictionary_entry"

/* What printing needs to know. */
struct format_context {
	void *arg;
	/* Display name of a record; *code (may stay empty) is what JSON prints of a choice. false: unknown. Choices ask with CHOICE_ENTITY. */
	bool (*name)(void *arg, const char *entity, uint64_t id, struct bytes *display,
		struct bytes *code);
	const struct schema *schema;
	const struct zone *zone; /* of datetimes in tables; NULL: UTC */
	bool chinese;
};

enum form {
	FORM_CODE, /* as JSON, tsv and scripts have it: identifiers, codes, ids */
	FORM_PORTABLE, /* as FORM_CODE, but references by the code that the reply gave them, for another server */
	FORM_DISPLAY, /* as tables and CSV have it: labels in the chosen language, names */
};

const char *type_name(enum field_type type); /* "text", "long_text" ... as in the schema */
bool type_from_name(struct bytes name, enum field_type *out);
bool type_is_number(enum field_type type); /* WIRE_VARINT */
/* Zigzag: integer, decimal, money, percent, datetime, integers. The other numbers (date, time, bool, choice, ref ...) are plain. */
bool type_is_signed(enum field_type type);
bool type_is_list(enum field_type type);
bool type_is_reference(enum field_type type); /* REF, REFS */
/* The kind and id of the record that a value of field f names; NULL: f is no reference (a choice is none), or of no kind that is known. */
const struct entity *reference_target(
	const struct schema *schema, const struct field *f, uint64_t value, uint64_t *id);
/* The value by which field f names the record; 0: it cannot name one of this kind. */
uint64_t reference_value(const struct field *f, const struct entity *entity, uint64_t id);

/*
 * Text to wire form: appends the field (repeated for lists, items separated by commas or ';' or given as a JSON array) to out.
 * Text of blanks only clears: appends nothing. A bad value adds error_field(e, field->name, ...) and returns STATUS_INVALID.
 * The message speaks without the field's name: "is not a phone number".
 */
enum status type_parse(const struct field *f, struct bytes text, const struct parse_context *ctx,
	struct buf *out, struct error *e);

/* One wire field as text, appended. */
void type_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out);
/* All occurrences of the field in a record, lists joined by ", ". */
void type_format_run(const struct field *f, struct bytes run, enum form form,
	const struct format_context *ctx, struct buf *out);

/* Key whose byte order is the order of values; equal values give equal keys. Returns its length, at most KEY_MAX. Contains no NUL for text types. */
size_t type_key(const struct field *f, const struct wire_field *w, uint8_t key[KEY_MAX]);
/* As type_key for a name whose reading is corrected: where it stands when names are sorted. Not for equality. */
size_t type_key_reading(const struct field *f, const struct wire_field *w, struct bytes reading,
	uint8_t key[KEY_MAX]);

/* Normal form of a text value for comparison and uniqueness: phones digits only without +86, e-mail host folded, text folded. Appends. */
void type_normal(const struct field *f, struct bytes text, struct buf *out);

/* <0, 0, >0 */
int type_compare(const struct field *f, const struct wire_field *a, const struct wire_field *b);

/* A wire field checked as if it came from outside: right wire type, valid text, in range. */
bool type_wire_valid(const struct field *f, const struct wire_field *w);

bool type_aligns_right(enum field_type type); /* in a table */

#endif
