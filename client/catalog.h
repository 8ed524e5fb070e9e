/*
 * The schema as the client knows it: received from the server, kept in the profile, replaced when
 * the server's hash or the number of its dictionaries differs. Also the choices of choice fields.
 */
#ifndef CLIENT_CATALOG_H
#define CLIENT_CATALOG_H

#include "client/app.h"

struct catalog;

void catalog_free(struct catalog **c);
/* Hash of the cached schema; empty when there is none. Loads the cache. */
struct bytes catalog_cached_hash(struct app *app);
bool catalog_is_current(struct app *app); /* as the login said; needs a logged-in link */
/* Makes sure that the schema is the server's: fetches it when the hash of the login differs. Needs a logged-in link. */
enum status catalog_sync(struct app *app, struct error *e);

/* Valid until the next catalog_sync. NULL when nothing is cached. */
const struct schema *catalog_schema(const struct app *app);
const Guanxi__Schema *catalog_message(const struct app *app);
const Guanxi__Entity *catalog_entity_message(const struct app *app, const struct entity *entity);

/*
 * The entity of app->noun. Asks the server when the cache does not know it; USAGE with a suggestion when
 * the server does not either.
 */
enum status catalog_entity(struct app *app, const struct entity **out, struct error *e);
/* Opens the link if there is none and makes sure that the schema is the server's. */
enum status catalog_open(struct app *app, struct error *e);
/* One round trip over an open link that has not been used yet, then as catalog_open. */
enum status catalog_greet(struct app *app, struct error *e);
/* Fetches the schema with its choices, whatever is cached. */
enum status catalog_fetch(struct app *app, struct error *e);

#endif
