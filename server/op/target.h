/*
 * What the operations on records share: the entity and records that a request names, values parsed from text.
 */
#ifndef SERVER_OP_TARGET_H
#define SERVER_OP_TARGET_H

#include "server/call/call.h"
#include "server/model/model.h"

struct target {
	struct call *call;
	const struct entity *entity;
	struct scope scope; /* of the caller */
	struct parse_context parse;
	civil_date today;
	const struct stored
		*before; /* the record that is changed, for tags=+new,-old; NULL: none */
	bool original;   /* an import: who changed a record last and when may be given */
};

/* STATUS_USAGE with a suggestion when there is no such entity. */
enum status target_open(struct call *c, struct target *t, struct error *e);
/* As target_open, for a write: DENIED for what only administrators or the server change. */
enum status target_open_write(struct call *c, struct target *t, struct error *e);
/* Id of the i-th record of the request. */
enum status target_id(struct target *t, size_t i, uint64_t *id, struct error *e);
/* Reads a record that the caller may see; what was merged answers with the survivor. */
enum status target_read(
	struct target *t, uint64_t id, struct buf *room, struct stored *out, struct error *e);
/* The arguments of model_check and its kin. */
struct model_write target_write(const struct target *t, const struct stored *before, uint64_t id);
/* Names the operation in author and reply. */
enum status target_operation(struct target *t, struct error *e);
/* The same, or the operation that the request's argument names: the caller's own, begun by an earlier request. */
enum status target_operation_joined(struct target *t, struct error *e);
/* Bumps what open sessions must learn: a changed user, role or branch. */
enum status target_changed(struct target *t, uint64_t id, struct error *e);
/* Reads the record anew and adds it to the reply. */
enum status target_reply(struct target *t, uint64_t id, struct error *e);

/* Values that a request sets, parsed. */
struct patch {
	struct buf fields;  /* wire form, ascending tags */
	uint32_t tags[256]; /* all that were named */
	uint32_t cleared[256];
	size_t ntags, ncleared;
};
void patch_free(struct patch *p);
/* STATUS_INVALID with all bad fields. */
enum status patch_add(struct target *t, struct patch *p, const struct field *f, struct bytes text,
	struct error *e);
/* A field of a column or a set; adds a bad field with a suggestion when there is none. NULL then. */
const struct field *target_field(struct target *t, struct bytes name, struct error *e);
/* Who made a record and who changed it last: the caller, who stands there already, or whom an administrator names. INVALID. */
enum status patch_authors(const struct target *t, const struct patch *p,
	const struct stored *before, struct error *e);
enum status patch_parse(struct target *t, struct patch *p, struct error *e);
void patch_finish(struct patch *p); /* sorts */

/* A token that only we can make and read, for this user and this question only. */
enum status token_seal(struct call *c, struct bytes question, struct bytes token,
	struct error *e); /* reply.next */
enum status token_open(struct call *c, struct bytes question, struct buf *token,
	struct error *e); /* request.page */

#endif
