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

struct opening {
	struct visible *v;
	struct txn *t;
	struct error *e;
	enum status status;
};

static bool add_list(void *arg, const struct entity *entity, unsigned tag, uint64_t value)
{
	struct opening *o = arg;
	struct visible_list *l = &o->v->lists[o->v->n];

	if (value == 0)
		return false;
	l->key = key_scope_value(entity->number, (uint16_t)tag, value);
	o->v->n++;
	o->status = posting_open(o->t, SPACE_IDX, key_bytes(&l->key), &l->walk, o->e);
	return o->status != STATUS_OK;
}

enum status visible_open(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct visible **out, struct error *e)
{
	struct opening o = { .t = t, .e = e };

	*out = NULL;
	if (scope->trash_too || scope_sees_all(scope, entity))
		return STATUS_OK;
	o.v = calloc(1, sizeof *o.v + scope_lists_most(scope) * sizeof o.v->lists[0]);
	if (o.v == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	if (scope_lists(scope, entity, add_list, &o))
		visible_free(&o.v);
	*out = o.v;
	return o.status;
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
