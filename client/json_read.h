/* Reading JSON objects from people and scripts into requests. */
#ifndef CLIENT_JSON_READ_H
#define CLIENT_JSON_READ_H

#include "client/app.h"
#include <jansson.h>

/* One line as an object; INVALID with what is wrong. json_decref it. */
enum status json_line(struct bytes line, json_t **out, struct error *e);
/* A value as a person would type it: null is empty, lists are JSON arrays. Appends. */
void json_value_text(const json_t *value, struct buf *out);

/* Lines of a file or pipe, without their ends, blank ones left out. */
struct lines;
enum status lines_open(const char *path, struct lines **out, struct error *e);
/* False at the end or when a line is too long (then *e says so). */
bool lines_next(struct lines *l, struct bytes *line, uint64_t *number, struct error *e);
/* True when lines_next would have to wait for somebody to write. */
bool lines_would_wait(struct lines *l);
uint64_t lines_bytes_read(const struct lines *l);
int lines_fd(const struct lines *l);
void lines_free(struct lines **l);

#endif
