/*
 * The file of refused rows: in the form of the file that they came from, each with its reason, so that it can be mended and
 * imported again.
 */
#ifndef CLIENT_REJECTS_H
#define CLIENT_REJECTS_H

#include "common/csv.h"

/* The column, member or property of the reason; an import passes it over. */
#define REASON_COLUMN "reject_reason"
#define REASON_PROPERTY "X-REJECT-REASON"

struct reject_form {
	enum { REJECT_CSV, REJECT_JSON, REJECT_VCARD } kind;
	enum encoding encoding;
	struct csv_dialect dialect; /* of csv */
	struct bytes header;        /* of csv: its cells, without a line end */
};

struct rejects;

/* Makes the file, readable by its owner only. */
enum status rejects_open(
	const char *path, const struct reject_form *form, struct rejects **out, struct error *e);
void rejects_free(struct rejects **r);
/* original: the row as it stood, without its line end; undecodable bytes after their mark. */
enum status rejects_add(struct rejects *r, struct bytes original, const char *why, struct error *e);

#endif
