/*
 * Records on stdout: fields of the schema to cells and JSON. Knows no requests.
 */
#ifndef CLIENT_PRINT_H
#define CLIENT_PRINT_H

#include "client/app.h"
#include "client/grid.h"
#include "common/type.h"

/* A record made ready: its fields in order, the names that its reply brought. */
struct view {
	const struct app *app;
	const struct schema *schema;
	const struct entity *entity;
	const Guanxi__Record *record;
	Guanxi__Name *const *names;
	size_t nnames;
	struct buf fields;
	bool portable; /* JSON has references as another server reads them */
};

/* False when the schema has no such entity. */
bool view_init(struct view *v, const struct app *app, const Guanxi__Record *record,
	const Guanxi__Reply *reply);
bool view_init_named(struct view *v, const struct app *app, const Guanxi__Record *record,
	Guanxi__Name *const *names, size_t n);
void view_release(struct view *v);
bool view_masked(const struct view *v, const struct field *f);
bool view_has(const struct view *v, const struct field *f);
/* One field as text, appended; nothing when it is not set. */
void view_cell(const struct view *v, const struct field *f, enum form form, struct buf *out);
/* One field as a JSON value. */
void view_json_value(const struct view *v, const struct field *f, struct buf *out);
/* The members of the record's object, without braces; fields NULL: all that are set. */
void view_json_members(const struct view *v, bool *first, struct buf *out);
void view_json(const struct view *v, struct buf *out);
/* What people call the record. */
void view_title(const struct view *v, struct buf *out);

const char *field_label(const struct app *app, const struct field *f);
const char *entity_label(const struct app *app, const struct entity *en);

/* The fields of --columns, else those of the default list. In the run's arena; USAGE for an unknown one. */
enum status columns_chosen(struct app *app, const struct entity *en, const struct field ***out,
	size_t *n, struct error *e);

/* Many records of one entity. */
struct record_list;
enum status record_list_new(
	struct app *app, const struct entity *en, struct record_list **out, struct error *e);
void record_list_add(struct record_list *l, const Guanxi__Record *r, const Guanxi__Reply *reply);
struct grid *record_list_grid(struct record_list *l);
void record_list_free(struct record_list **l);

/* The records of the reply, each as one object (show, add, set). */
enum status print_records(struct app *app, const Guanxi__Reply *reply, struct error *e);
/* {"operation": N, "changed": N}, or a sentence on stderr; then the undo line. */
enum status print_operation(struct app *app, const Guanxi__Reply *reply, struct error *e);

/* The values of a reply, one a line, or one object; those named in texts are strings even when they look like numbers. */
enum status print_values(
	struct app *app, const Guanxi__Reply *reply, const char *texts, struct error *e);

/* In which people read times: that of the user's branch, else this machine's; NULL: UTC. */
const struct zone *app_zone(const struct app *app);
void hex_add(struct buf *out, struct bytes b);
bool hex_parse(const char *hex, struct buf *out); /* appends; false when it is no hex */
void group_json(const Guanxi__Group *group, struct buf *out);

#endif
