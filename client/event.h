/* One event of a watch: shown to the person or the script, handed to --exec. */
#ifndef CLIENT_EVENT_H
#define CLIENT_EVENT_H

#include "client/app.h"

/* Fails only when stdout does. */
enum status event_show(struct app *app, const Guanxi__Event *event, struct error *e);
void event_json(const struct app *app, const Guanxi__Event *event, struct buf *out);
void event_line(const struct app *app, const Guanxi__Event *event, struct buf *out);

/* An alarm: on standard error, and to what --exec and --notify name. */
enum status event_alarm(struct app *app, const Guanxi__Event *event, struct error *e);

#endif
