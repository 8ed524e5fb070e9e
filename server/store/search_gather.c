/* The records that may hold a piece of Chinese text, for filters: a set of ids from the index of search, each still to be checked. */
#include "common/arena.h"
#include "common/text.h"
#include "server/store/condition.h"
#include "server/store/search.h"

#define GATHER_STEPS 20000u
#define GATHER_MEMORY (4u << 20)

struct gather {
	uint64_t *ids;
	size_t n, max;
};

/* The index finds every piece of a Chinese text, but of Latin words the start only. */
static bool all_han(struct bytes text)
{
	if (text.len == 0 || text.len > SEARCH_MAX_TEXT)
		return false;
	while (text.len > 0) {
		if (!text_is_han(text_next(&text)))
			return false;
	}
	return true;
}

/* False when there are too many, or the index gave up. */
static bool gather_pass(
	struct plan_context *c, const struct search_query *q, int pass, struct gather *g)
{
	struct plan *plan = plan_query(c, q, (enum search_rank)pass);
	uint64_t id = UINT64_MAX;
	bool cut = false;

	while (plan && !c->status && id > 1) {
		id = plan_seek(c, plan, id - 1, &cut);
		if (cut || g->n == g->max)
			return id == 0 && !cut;
		if (id == 0)
			break;
		g->ids[g->n++] = id;
	}
	return !c->status;
}

bool search_gather(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes folded, uint64_t *ids, size_t max, size_t *n)
{
	struct gather g = { .ids = ids, .max = max };
	struct search_query query;
	struct pending *pending = NULL;
	struct term_key key;
	struct error ignored;
	bool good;

	if (f->type != T_TEXT || !search_is_searched(entity, f) || !all_han(folded) || txn_wrote(t))
		return false;
	error_init(&ignored);
	search_query_init(&query, folded);
	term_key_init(txn_store(t), &key);
	good = !query.many && pending_read(t, &pending, &ignored) == STATUS_OK;
	for (int pass = RANK_WHOLE; good && pass >= RANK_INSIDE; pass--) {
		struct plan_context c = { .txn = t,
			.pending = pending,
			.key = &key,
			.entity = entity->number,
			.classes = 1u << field_strictest(f),
			.arena = arena_new(GATHER_MEMORY),
			.error = &ignored,
			.steps = GATHER_STEPS };
		good = gather_pass(&c, &query, pass, &g);
		plan_release(&c);
		arena_free(&c.arena);
	}
	pending_free(&pending);
	search_query_free(&query);
	error_clear(&ignored);
	*n = g.n;
	return good;
}
