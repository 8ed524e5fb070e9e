/*
 * Making requests: everything lives in the arena of the run (or of one batch).
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/app.h"

/* A request with the op, the entity of app->noun if there is one, and what the global options say. */
Guanxi__Request *request_new(struct app *app, const char *op);
Guanxi__Request *request_bare(struct arena *arena, struct bytes op);

void request_record(struct arena *arena, Guanxi__Request *r, struct bytes id);
void request_set(struct arena *arena, Guanxi__Request *r, struct bytes name, struct bytes value);
void request_arg(struct arena *arena, Guanxi__Request *r, const char *name, struct bytes value);
void request_column(struct arena *arena, Guanxi__Request *r, struct bytes name);
/* Text of an optional field; NULL leaves it out. has is its has_ member. */
void request_text(
	struct arena *arena, const char *text, protobuf_c_boolean *has, ProtobufCBinaryData *field);

/* FIELD=VALUE words to pairs of set; @FILE reads a file, @@ is a literal @. */
enum status request_assign(
	struct app *app, Guanxi__Request *r, const char **words, size_t n, struct error *e);
/* A noun or a field as typed, '-' made '_'. */
char *identifier(struct arena *arena, const char *word);

/* Growing arrays of protobuf in an arena: room for one more pointer. */
void *array_grow(struct arena *arena, void *items, size_t n, size_t size);

#endif
