/* Which records of an entity a caller sees, for search: as chunks of ids from the index entries of the scope. */
#include "server/store/internal.h"
#include "server/store/search.h"

struct visible {
	size_t n;
	struct visible_list {
		struct key key;
		struct posting_walk *walk;
	} lists[];
};

static enum status add_list(struct visible *v, struct txn *t, const struct entity *entity,
	unsigned tag, uint64_t value, struct error *e)
{
	struct visible_list *l = &v->lists[v->n];

	if (value == 0)
		return STATUS_OK;
	l->key = key_scope_value(entity->number, (uint16_t)tag, value);
	v->n++;
	return posting_open(t, SPACE_IDX, key_bytes(&l->key), &l->walk, e);
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
		posting_close(&(*v)->lists[i].walk);
	free(*v);
	*v = NULL;
}

uint64_t visible_bound(struct visible *v, uint64_t max)
{
	uint64_t best = 0, id;

	for (size_t i = 0; i < v->n; i++) {
		struct visible_list *l = &v->lists[i];

		posting_seek(l->walk, key_bytes(&l->key), max == UINT64_MAX ? max : max + 1);
		if (posting_prev(l->walk, &id) && id > best)
			best = id;
	}
	return best;
}

size_t visible_chunk(struct visible *v, uint64_t number, struct chunk *out)
{
	uint64_t low = number << CHUNK_BITS, id;
	size_t n = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < v->n; i++) {
		struct visible_list *l = &v->lists[i];

		posting_seek(l->walk, key_bytes(&l->key), low);
		for (; posting_next(l->walk, &id); n++) {
			id -= low;
			if (id >= CHUNK_IDS)
				break;
			out->words[id / 64] |= UINT64_C(1) << id % 64;
		}
	}
	return n;
}
