/*
 * A mail as it goes over the line: header and body in ASCII, whatever language it is in (RFC 5322, 2047, 2045).
 */
#ifndef NOTIFY_LETTER_H
#define NOTIFY_LETTER_H

#include "common/buf.h"

struct letter {
	const char *number; /* of the outbox: makes the Message-ID, the same at each try */
	int64_t created_ms;
	const char *from, *recipient; /* addresses alone */
	struct bytes subject, body;   /* UTF-8 */
};

/* False when an address could end its line, or holds anything but printable ASCII. */
bool letter_write(const struct letter *l, struct buf *out);

#endif
