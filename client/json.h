/* Writing JSON as text; numbers are written as they stand, so that nothing is rounded. */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include "common/buf.h"
#include "common/error.h"

/* A string with its quotes; bad UTF-8 becomes U+FFFD. */
void json_add_string(struct buf *out, struct bytes text);
void json_add_str(struct buf *out, const char *text);
/* A number as it stands when the text is one, else a string. */
void json_add_scalar(struct buf *out, struct bytes text);
/* "key": with a comma before it unless *first, which becomes false. */
void json_add_key(struct buf *out, bool *first, const char *key);

/* The error as the object that interface.md 2.6 has under "error". */
void error_to_json(const struct error *e, struct buf *out);

#endif
