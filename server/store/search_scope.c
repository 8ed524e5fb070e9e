/* Which records of an entity a caller sees, for search: as chunks of ids from the index entries of the scope. */
#include "server/store/internal.h"
#include "server/store/search.h"

struct visible {
	size_t n;
	struct visible_list {
		struct key prefix;
		struct walk *walk;
	} lists[];
};

static enum status add_list(struct visible *v, struct txn *t, const struct entity *entity,
	unsigned tag, uint64_t value, struct error *e)
{
	struct visible_list *l = &v->lists[v->n];

	if (value == 0)
		return STATUS_OK;
	l->prefix = key_scope_value(entity->number, (uint16_t)tag, value);
	v->n++;
	return walk_open(t, SPACE_IDX, key_bytes(&l->prefix), &l->walk, e);
}

enum status visible_open(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct visible **out, struct error *e)
{
	struct visible *v;
	enum status status = STATUS_OK;

	*out = NULL;
	if (scope->all || scope->trash_too || (entity->flags & E_SHARED))
		return STATUS_OK;
	v = calloc(1, sizeof *v + (scope->nbranches + 3) * sizeof v->lists[0]);
	if (v == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	if (scope->own)
		status = add_list(v, t, entity, KEY_SCOPE_OWNER, scope->user, e);
	if (scope->own && status == STATUS_OK)
		status = add_list(v, t, entity, KEY_SCOPE_SEEN, scope->user, e);
	for (size_t i = 0; status == STATUS_OK && i < scope->nbranches; i++)
		status = add_list(v, t, entity, KEY_SCOPE_BRANCH, scope->branches[i], e);
	if (status == STATUS_OK)
		status = add_list(v, t, entity, KEY_SCOPE_POOL, scope->pool_branch, e);
	if (status != STATUS_OK)
		visible_free(&v);
	*out = v;
	return status;
}

void visible_free(struct visible **v)
{
	if (v == NULL || *v == NULL)
		return;
	for (size_t i = 0; i < (*v)->n; i++)
		walk_close(&(*v)->lists[i].walk);
	free(*v);
	*v = NULL;
}

uint64_t visible_bound(struct visible *v, uint64_t max)
{
	uint64_t best = 0;
	struct bytes found;

	for (size_t i = 0; i < v->n; i++) {
		struct key at = v->lists[i].prefix;

		key_add_u64(&at, max == UINT64_MAX ? max : max + 1);
		walk_seek_back(v->lists[i].walk, key_bytes(&at));
		if (walk_prev(v->lists[i].walk, &found) && key_index_id(found) > best)
			best = key_index_id(found);
	}
	return best;
}

size_t visible_chunk(struct visible *v, uint64_t number, struct chunk *out)
{
	uint64_t low = number << CHUNK_BITS, id;
	struct bytes found;
	size_t n = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < v->n; i++) {
		struct key at = v->lists[i].prefix;

		key_add_u64(&at, low);
		walk_seek(v->lists[i].walk, key_bytes(&at));
		for (; walk_next(v->lists[i].walk, &found); n++) {
			id = key_index_id(found) - low;
			if (id >= CHUNK_IDS)
				break;
			out->words[id / 64] |= UINT64_C(1) << id % 64;
		}
	}
	return n;
}
