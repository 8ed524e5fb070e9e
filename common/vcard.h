/*
 * vCards 2.1, 3.0 and 4.0: one card's text into properties, and properties into text (3.0, 4.0).
 * Knows no fields of ours. Cards come as decoded text; quoted-printable with a CHARSET is decoded here.
 */
#ifndef COMMON_VCARD_H
#define COMMON_VCARD_H

#include "common/source.h"

#define VCARD_MAX (1024u * 1024) /* bytes of a card's lines, pictures not counted */
#define VCARD_PROPERTIES_MAX 1000

struct vcard_property {
	const char *name; /* upper case, without its group */
	const char *
		parameters; /* ";TYPE=HOME;TYPE=FAX;": upper case, quotes taken off, each with its name */
	struct bytes value; /* UTF-8; in vCard's own escapes */
};

struct vcard {
	enum { VCARD_2_1, VCARD_3_0, VCARD_4_0 } version;
	struct vcard_property *properties;
	size_t n;
	struct buf room; /* what the properties point into */
};

/*
 * One card from BEGIN:VCARD to END:VCARD. INVALID when it is none, has no end, or holds bytes in no
 * known character set. vcard_free in any case.
 */
enum status vcard_parse(struct bytes text, struct vcard *out, struct error *e);
void vcard_free(struct vcard *card);
/* Whether the property says so: "HOME" among its types, or NAME=VALUE with name given. */
bool vcard_has_type(const struct vcard_property *p, const char *type);
/* The parameter's value up to its end, or len 0. */
struct bytes vcard_parameter(const struct vcard_property *p, const char *name);
/* The nth component of a structured value (from 0), escapes resolved, appended. False when there is none. */
bool vcard_component(const struct vcard_property *p, size_t nth, struct buf *out);
/* The value as one text, escapes resolved, appended. */
void vcard_text(const struct vcard_property *p, struct buf *out);

/* Cards of a file, one by one. */
struct vcard_reader {
	struct line_reader lines;
	struct buf text;
	char bad[200];
};

struct vcard_row {
	struct bytes text; /* the card's lines, ended by LF; pictures and sounds left out */
	uint64_t line;     /* where it begins */
	const char *bad;   /* not NULL: why it cannot be used */
};

enum status vcard_reader_open(
	struct vcard_reader *r, int fd, enum encoding encoding, struct error *e);
void vcard_reader_release(struct vcard_reader *r);
/* False at the end. Text outside cards is a bad row. */
bool vcard_reader_next(struct vcard_reader *r, struct vcard_row *out);

/* Writes a line, folded at 75 bytes without cutting a character, CR LF behind it. */
void vcard_add_line(struct buf *out, struct bytes line);
/* Text with the escapes of a value; semicolons too. */
void vcard_add_escaped(struct buf *out, struct bytes text);

#endif
