/*
 * Who sees a record. The owner and branch that count are those of the record that this one follows, else its own; they stand as index
 * entries under pseudo tags, so that the question for one record is a few look-ups.
 */
#include "server/store/internal.h"

#define DEEPEST 8

/* any_ref() of what a parent field names; 0 if it is not set. */
static uint64_t parent_ref(const struct parent *p, struct bytes fields)
{
	uint64_t v = record_number(fields, p->field->tag);

	if (!v || !p->entity)
		return v;
	return any_ref(p->entity, any_ref_id(v));
}

static enum status effective_of(struct txn *t, const struct shape *sh, struct bytes fields,
	const struct scope_known *known, unsigned depth, struct effective *out, struct error *e);

/* STATUS_NOT_FOUND when the record is not there, or is everybody's: what is about a user or a branch is its author's. */
static enum status effective_by_ref(struct txn *t, uint64_t ref, const struct scope_known *known,
	unsigned depth, struct effective *out, struct error *e)
{
	const struct shape *sh = txn_shape(t, any_ref_entity(ref));
	struct buf row = BUF_INIT;
	struct bytes fields;
	uint64_t version;

	if (known && known->record == ref) {
		*out = known->scope;
		return STATUS_OK;
	}
	if (!sh || sh->entity->flags & E_SHARED)
		return STATUS_NOT_FOUND;
	enum status s =
		record_read(t, sh->entity->number, any_ref_id(ref), &row, &version, &fields, e);
	if (!s)
		s = effective_of(t, sh, fields, known, depth + 1, out, e);
	buf_free(&row);
	return s;
}

static enum status effective_of(struct txn *t, const struct shape *sh, struct bytes fields,
	const struct scope_known *known, unsigned depth, struct effective *out, struct error *e)
{
	for (size_t i = 0; i < sh->nparents && depth < DEEPEST; i++) {
		uint64_t ref = parent_ref(&sh->parents[i], fields);
		enum status s =
			ref ? effective_by_ref(t, ref, known, depth, out, e) : STATUS_NOT_FOUND;
		if (s != STATUS_NOT_FOUND)
			return s;
	}
	out->owner = sh->owner ? record_number(fields, sh->owner->tag) : 0;
	out->branch = sh->branch ? record_number(fields, sh->branch->tag) : 0;
	return STATUS_OK;
}

enum status scope_effective(struct txn *t, const struct shape *sh, struct bytes fields,
	const struct scope_known *known, struct effective *out, struct error *e)
{
	*out = (struct effective){ 0 };
	if (sh->entity->flags & E_SHARED)
		return STATUS_OK;
	return effective_of(t, sh, fields, known, 0, out, e);
}

static void add_scope(
	const struct shape *sh, unsigned tag, uint64_t value, uint64_t id, struct key_set *out)
{
	struct key k = key_scope(sh->entity->number, (uint16_t)tag, value, id);

	if (value)
		key_set_add(out, &k);
}

uint64_t share_of_text(struct bytes tag)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < tag.len; i++)
		hash = (hash ^ tag.data[i]) * UINT64_C(1099511628211);
	return hash | UINT64_C(1) << 63;
}

uint64_t share_of_entry(uint64_t entry, uint64_t team, uint64_t branch)
{
	return entry << 32 | team << 1 | branch << 1 | (team ? 1 : 0);
}

static void shared_keys(
	const struct shape *sh, uint64_t id, struct bytes fields, unsigned tag, struct key_set *out)
{
	const struct field *f = sh->shared;
	struct bytes run = record_run(fields, f->tag);
	uint64_t entry = f->type == T_CHOICE ? record_number(fields, f->tag) : 0;
	uint64_t team = sh->team ? record_number(fields, sh->team->tag) : 0;
	uint64_t branch = sh->branch ? record_number(fields, sh->branch->tag) : 0;
	struct wire_field w;

	while (f->type == T_TAGS && record_next(&run, &w, NULL))
		add_scope(sh, tag, share_of_text(w.bytes), id, out);
	if (!entry)
		return;
	add_scope(sh, tag, share_of_entry(entry, 0, 0), id, out);
	if (team)
		add_scope(sh, tag, share_of_entry(entry, team, 0), id, out);
	if (branch)
		add_scope(sh, tag, share_of_entry(entry, 0, branch), id, out);
}

static bool follows_one(const struct shape *sh, struct bytes fields)
{
	for (size_t i = 0; i < sh->nparents; i++)
		if (record_has(fields, sh->parents[i].field->tag))
			return true;
	return false;
}

void scope_keys(const struct shape *sh, uint64_t id, struct bytes fields, bool deleted,
	const struct effective *scope, struct key_set *out)
{
	unsigned trash = deleted ? KEY_TRASHED : 0;

	if (sh->entity->flags & E_SHARED)
		return;
	add_scope(sh, KEY_SCOPE_OWNER | trash, scope->owner, id, out);
	add_scope(sh, KEY_SCOPE_BRANCH | trash, scope->branch, id, out);
	if (!scope->owner)
		add_scope(sh, KEY_SCOPE_POOL | trash, scope->branch, id, out);
	if (sh->seen_by)
		add_scope(sh, KEY_SCOPE_SEEN | trash, record_number(fields, sh->seen_by->tag), id,
			out);
	if (sh->shared)
		shared_keys(sh, id, fields, KEY_SCOPE_SHARED | trash, out);
	if (sh->entity->flags & E_PRIVATE && follows_one(sh, fields))
		add_scope(sh, KEY_SCOPE_OPEN | trash, 1, id, out);
	for (size_t i = 0; i < sh->nparents; i++)
		add_scope(
			sh, KEY_SCOPE_PARENT | trash, parent_ref(&sh->parents[i], fields), id, out);
}

/* One follower: its own entries, then those of what follows it. */
static enum status move_one(struct txn *t, const struct shape *sh, uint64_t id,
	const struct scope_known *known, unsigned depth, struct error *e)
{
	struct effective before, after;
	struct key_set old = { 0 }, new = { 0 };
	struct buf row = BUF_INIT;
	struct bytes fields = { 0 };
	uint64_t version;
	enum status s = record_read(t, sh->entity->number, id, &row, &version, &fields, e);

	if (!s)
		s = scope_effective(t, sh, fields, known, &before, e);
	if (!s)
		s = scope_effective(t, sh, fields, NULL, &after, e);
	if (!s && !effective_equal(&before, &after)) {
		bool deleted = record_has(fields, TAG_DELETED_AT);
		scope_keys(sh, id, fields, deleted, &before, &old);
		scope_keys(sh, id, fields, deleted, &after, &new);
		key_set_sort(&old);
		key_set_sort(&new);
		s = key_set_apply(t, &old, &new, e);
		if (!s)
			s = scope_move_followers(t, sh, id, &before, depth + 1, e);
	}
	key_set_free(&old);
	key_set_free(&new);
	buf_free(&row);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status move_of(struct txn *t, const struct shape *follower, unsigned tag,
	const struct scope_known *known, unsigned depth, struct error *e)
{
	struct key list = key_scope_value(follower->entity->number, (uint16_t)tag, known->record);
	struct posting_walk *w;
	uint64_t id;
	enum status s = posting_open(t, SPACE_IDX, key_bytes(&list), &w, e);

	if (s)
		return s;
	while (!s && posting_next(w, &id))
		s = move_one(t, follower, id, known, depth, e);
	posting_close(&w);
	return s;
}

enum status scope_move_followers(struct txn *t, const struct shape *sh, uint64_t id,
	const struct effective *before, unsigned depth, struct error *e)
{
	struct scope_known known = { any_ref(sh->entity->number, id), *before };
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < sh->nfollowers && depth < DEEPEST; i++) {
		s = move_of(t, sh->followers[i], KEY_SCOPE_PARENT, &known, depth, e);
		if (!s)
			s = move_of(t, sh->followers[i], KEY_SCOPE_PARENT | KEY_TRASHED, &known,
				depth, e);
	}
	return s;
}

/* The server's own work has no user: nothing is private for it. */
static bool sees_open(const struct scope *scope, const struct entity *entity)
{
	return scope->all && scope->user && entity->flags & E_PRIVATE;
}

bool scope_sees_all(const struct scope *scope, const struct entity *entity)
{
	return entity->flags & E_SHARED || (scope->all && !sees_open(scope, entity));
}

size_t scope_lists_most(const struct scope *scope)
{
	return 4 + scope->nbranches + scope->nshares;
}

bool scope_lists(const struct scope *scope, const struct entity *entity, scope_list *fn, void *arg)
{
	bool open = sees_open(scope, entity);

	if ((scope->own || open) && (fn(arg, entity, KEY_SCOPE_OWNER, scope->user) ||
					    fn(arg, entity, KEY_SCOPE_SEEN, scope->user)))
		return true;
	for (size_t i = 0; i < scope->nbranches; i++)
		if (fn(arg, entity, KEY_SCOPE_BRANCH, scope->branches[i]))
			return true;
	for (size_t i = 0; entity->shared_field && i < scope->nshares; i++)
		if (fn(arg, entity, KEY_SCOPE_SHARED, scope->shares[i]))
			return true;
	if (open && fn(arg, entity, KEY_SCOPE_OPEN, 1))
		return true;
	return scope->pool_branch && fn(arg, entity, KEY_SCOPE_POOL, scope->pool_branch);
}
