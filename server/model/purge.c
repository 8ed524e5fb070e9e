/*
 * What may leave the trash for good: a record that was deleted before an instant, with all that refers to it, if none of that is kept.
 * Kept are live records, those with money in them, merged ones, whose ids name the survivor, and what would come back with one that is kept.
 */
#include "server/model/model.h"
#include <glib.h>

#define TOGETHER 500u /* records that go in one piece */
#define DEEPEST 8

static const uint16_t money[] = { ENTITY_SALE, ENTITY_PAYMENT, ENTITY_CONTRACT,
	ENTITY_POINTS_ENTRY };

struct purging {
	const struct model_purge *p;
	const struct schema *schema;
	GArray *targets;  /* struct store_ref */
	GHashTable *seen; /* any_ref() */
	bool kept, too_many;
};

static bool is_money(const struct entity *en)
{
	for (size_t i = 0; i < G_N_ELEMENTS(money); i++)
		if (money[i] == en->number)
			return true;
	return false;
}

bool model_purgeable(const struct entity *entity)
{
	return !(entity->flags & (E_ADMIN | E_READONLY | E_FINAL | E_NO_DELETE)) &&
	       !is_money(entity);
}

static gpointer ref_key(const struct entity *en, uint64_t id)
{
	return (gpointer)(uintptr_t)any_ref(en->number, id);
}

static void add_target(struct purging *g, const struct entity *en, uint64_t id)
{
	struct store_ref target = { en, id };

	if (g->targets->len >= TOGETHER)
		g->too_many = true;
	else if (g_hash_table_add(g->seen, ref_key(en, id)))
		g_array_append_val(g->targets, target);
}

static bool is_expired(const struct purging *g, const struct stored *r)
{
	return r->deleted && record_signed(r->fields, TAG_DELETED_AT) <= g->p->before_ms;
}

static bool may_go(const struct purging *g, const struct entity *en, const struct stored *r)
{
	return model_purgeable(en) && is_expired(g, r) &&
	       !(en->merged_field && model_number(en, r->fields, en->merged_field));
}

static bool has_live_referrer(const struct purging *g, const struct entity *en, uint64_t id)
{
	uint64_t one;

	for (size_t i = 0; i < schema_count(g->schema); i++)
		if (store_referrers(g->p->txn, en, id, schema_at(g->schema, i), false, 0, &one, 1))
			return true;
	return false;
}

static bool has_money(const struct purging *g, const struct entity *en, uint64_t id)
{
	uint64_t one;

	for (size_t i = 0; i < G_N_ELEMENTS(money); i++)
		if (store_referrers(g->p->txn, en, id, schema_entity_by_number(g->schema, money[i]),
			    true, 0, &one, 1))
			return true;
	return false;
}

/* The record that one was deleted along with, by a field; NULL: none. */
static const struct entity *parent_of(
	const struct purging *g, const struct field *f, struct bytes fields, uint64_t *id)
{
	uint64_t ref = f->on_delete == ON_DELETE_CASCADE ? record_number(fields, f->tag) : 0;

	return ref ? reference_target(g->schema, f, ref, id) : NULL;
}

/* One that lies in the trash as long, but stays there: whoever brings it back finds what went with it. */
static bool hangs_on_kept(
	struct purging *g, const struct entity *en, struct bytes fields, unsigned depth)
{
	struct buf room = BUF_INIT;
	struct stored parent;
	bool kept = false;

	for (size_t i = 0; !kept && depth < DEEPEST && i < en->nfields; i++) {
		uint64_t id;
		const struct entity *to = parent_of(g, &en->fields[i], fields, &id);

		if (!to || g_hash_table_contains(g->seen, ref_key(to, id)))
			continue;
		if (g->p->known->ref == any_ref(to->number, id)) {
			kept = g->p->known->kept;
			continue;
		}
		if (store_get(g->p->txn, &scope_all, to, id, &room, &parent, NULL) ||
			!is_expired(g, &parent))
			continue;
		kept = !may_go(g, to, &parent) || has_live_referrer(g, to, id) ||
		       has_money(g, to, id) || hangs_on_kept(g, to, parent.fields, depth + 1);
		*g->p->known = (struct purge_known){ any_ref(to->number, id), kept };
	}
	buf_free(&room);
	return kept;
}

/* Those of one kind in the trash that name it go along. */
static void add_referrers(
	struct purging *g, const struct store_ref *target, const struct entity *from)
{
	uint64_t ids[64], after = 0;
	size_t n;

	while (!g->too_many && (n = store_referrers(g->p->txn, target->entity, target->id, from,
					true, after, ids, G_N_ELEMENTS(ids))) > 0) {
		for (size_t i = 0; i < n; i++)
			add_target(g, from, ids[i]);
		after = ids[n - 1];
	}
}

static void look_at(struct purging *g, struct store_ref target)
{
	struct buf room = BUF_INIT;
	struct stored r;

	g->kept = store_get(g->p->txn, &scope_all, target.entity, target.id, &room, &r, NULL) ||
		  !may_go(g, target.entity, &r) || hangs_on_kept(g, target.entity, r.fields, 0) ||
		  has_live_referrer(g, target.entity, target.id);
	for (size_t i = 0; !g->kept && i < schema_count(g->schema); i++)
		add_referrers(g, &target, schema_at(g->schema, i));
	buf_free(&room);
}

enum status model_purge(const struct model_purge *p, const struct entity *entity, uint64_t id,
	size_t *purged, bool *later, struct error *e)
{
	struct purging g = { .p = p,
		.schema = txn_schema(p->txn),
		.targets = g_array_new(FALSE, FALSE, sizeof(struct store_ref)),
		.seen = g_hash_table_new(g_direct_hash, g_direct_equal) };
	enum status s = STATUS_OK;

	add_target(&g, entity, id);
	for (guint i = 0; !g.kept && !g.too_many && i < g.targets->len; i++)
		look_at(&g, g_array_index(g.targets, struct store_ref, i));
	*later = g.too_many && !g.kept;
	*purged = 0;
	if (!g.kept && !g.too_many) {
		*purged = g.targets->len;
		s = store_purge(p->txn, p->author,
			(const struct store_ref *)(void *)g.targets->data, g.targets->len, e);
	}
	g_array_free(g.targets, TRUE);
	g_hash_table_destroy(g.seen);
	return s;
}
