#include "server/op/invite.h"
#include "common/arena.h"
#include "server/call/auth.h"
#include "server/model/model.h"

#define ROOM (256u * 1024)
#define FIRST_BRANCH 1

static enum status value_add(const struct entity *en, const char *name, const char *text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	const struct field *f = entity_field_named(en, name);

	return *text ? type_parse(f, bytes_str(text), ctx, out, e) : STATUS_OK;
}

static enum status user_fields_make(const struct entity *en, const struct invitation *i,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	enum status s = value_add(en, "username", i->user, ctx, out, e);

	if (!s)
		s = value_add(en, "name", i->user, ctx, out, e);
	if (!s)
		s = value_add(en, "roles", i->role, ctx, out, e);
	if (!s && *i->branch)
		s = value_add(en, "branch", i->branch, ctx, out, e);
	else if (!s)
		record_add_number(out, entity_field_named(en, "branch")->tag, FIRST_BRANCH);
	return s;
}

static enum status user_make(struct txn *t, const struct author *author, const struct invitation *i,
	uint64_t *user, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *en = schema_entity_by_number(schema, ENTITY_USER);
	struct arena *arena = arena_new(ROOM);
	struct lookup *names = lookup_new(t, &scope_all, schema, false, arena);
	struct parse_context ctx = lookup_parse_context(names, 0, NULL);
	struct model_write w = {
		.txn = t, .author = author, .scope = &scope_all, .lookup = names, .entity = en
	};
	struct buf fields = BUF_INIT, checked = BUF_INIT;
	enum status s = user_fields_make(en, i, &ctx, &fields, e);

	*user = 0;
	if (!s)
		s = model_check(&w, buf_bytes(&fields), &checked, e);
	if (!s)
		s = store_put(t, author, en, user, "add", buf_bytes(&checked), NULL, e);
	buf_free(&fields);
	buf_free(&checked);
	lookup_free(&names);
	arena_free(&arena);
	return s;
}

enum status invite_make(struct txn *t, const struct author *author, const struct invitation *i,
	char code[17], struct error *e)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *en = schema_entity_by_number(schema, ENTITY_USER);
	uint64_t user = 0;
	enum status s = store_find_unique(
		t, en, entity_field_named(en, "username"), bytes_str(i->user), &user, e);

	if (s == STATUS_NOT_FOUND && !*i->role)
		return error_set(e, STATUS_USAGE,
			"there is no user \"%s\": --role says what a new one may do", i->user);
	if (s == STATUS_OK && (*i->role || *i->branch))
		return error_set(e, STATUS_USAGE,
			"user \"%s\" is there already: --role and --branch are for a new one",
			i->user);
	if (s == STATUS_NOT_FOUND)
		s = user_make(t, author, i, &user, e);
	return s ? s : invite_create(t, user, i->now_ms, code, e);
}
