/*
 * Requests and replies over one connection to the profile's server. Hello, session.resume and the
 * first request leave in one write.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "client/app.h"
#include "client/conn.h"
#include "common/date.h"

#define LINK_REPLY_MAX (16u << 20) /* memory that one reply may take */

struct link;

typedef void link_event(void *arg, const Guanxi__Event *event);

/* Connects as the profile's user; app->link is set. Logged in only when the first reply has come. */
enum status link_open(struct app *app, struct error *e);
/* Connects to server (HOST:PORT) without a session, for login and join. pin NULL: any CA. */
enum status link_open_stranger(
	struct app *app, const char *server, const char *pin, struct error *e);
void link_close(struct link **l);

const char *link_pin(const struct link *l);
/* The server as the options, the environment or the profile name it; NULL: none. */
const char *link_server(const struct app *app);
/* Of the login; empty before it. */
struct bytes link_schema_hash(const struct link *l);
/* Number of the dictionaries as the server has said last; 0 when it has not. */
uint64_t link_dictionaries(const struct link *l);
/* The zone of the user's branch; NULL before the login. */
const struct zone *link_zone(const struct link *l);
/* Takes what every kind of login replies. */
void link_logged_in(struct link *l, const Guanxi__Reply *reply);
void link_on_event(struct link *l, link_event *f, void *arg);

/* Queues a request and gives it its id. */
enum status link_send(struct link *l, Guanxi__Request *r, struct error *e);
/* The next reply, whichever it is, valid until the next call. until_us as conn_receive. */
enum status link_next(
	struct link *l, int64_t until_us, const Guanxi__Reply **reply, struct error *e);
/* As link_next, but returns after any frame: *reply stays NULL when it was no reply. */
enum status link_step(
	struct link *l, int64_t until_us, const Guanxi__Reply **reply, struct error *e);
/* What a reply's status says, as an error. */
enum status link_status(const Guanxi__Status *status, struct error *e);
/* Opens the link if there is none, sends one request and waits for its reply. Fails with what the reply says. */
enum status link_call(
	struct app *app, Guanxi__Request *r, const Guanxi__Reply **reply, struct error *e);

/* A copy in the run's arena. */
const Guanxi__Reply *answer_keep(struct app *app, const Guanxi__Reply *reply);
/* The value of a name in a reply; .data NULL if it is not there. */
struct bytes answer_value(const Guanxi__Reply *reply, const char *name);
uint64_t answer_number(
	const Guanxi__Reply *reply, const char *name); /* 0 as well when it is none */

#endif
