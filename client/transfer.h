/* Files to and from the server, a part at a time: memory stays the same however long they are. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include "client/app.h"

/* Sends the file of a field of app->noun; value becomes what names it in a record ("upload:" and its SHA-256), in the arena. "-": standard input. */
enum status transfer_send(struct app *app, const struct field *f, const char *path,
	const char **value, struct error *e);
/* Uploads that no record has taken are dropped, as far as the server can be reached. */
void transfer_cancel(struct app *app);
/* Writes the file of a record to path ("-": standard output); there it appears whole, with the right SHA-256, or not at all. */
enum status transfer_receive(
	struct app *app, const char *record, const char *field, const char *path, struct error *e);

#endif
