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

/* False when there are too many. */
static bool gather_chunk(uint64_t number, const struct chunk *chunk, struct gather *g)
{
	for (size_t i = CHUNK_WORDS; i-- > 0;)
		for (uint64_t word = chunk->words[i]; word != 0;) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(word);

			word ^= UINT64_C(1) << bit;
			if (g->n == g->max)
				return false;
			g->ids[g->n++] = number << CHUNK_BITS | i * 64 | bit;
		}
	return true;
}

/* False when there are too many, or the index gave up. */
static bool gather_pass(struct plan_context *c, const struct search_query *q, struct gather *g)
{
	struct plan *plan = plan_query(c, q, RANK_INSIDE);
	uint64_t before = UINT64_MAX, bound;
	struct chunk chunk;

	while (plan && before > 1 && (bound = plan_bound(c, plan, before - 1)) > 0) {
		uint64_t number = bound >> CHUNK_BITS;

		if (c->steps == 0)
			return false;
		if (plan_chunk(c, plan, number, &chunk) && !gather_chunk(number, &chunk, g))
			return false;
		before = number << CHUNK_BITS;
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
	if (good) { /* what is found whole or at the start is found inside as well */
		struct plan_context c = { .txn = t,
			.pending = pending,
			.key = &key,
			.entity = entity->number,
			.classes = 1u << field_strictest(f),
			.arena = arena_new(GATHER_MEMORY),
			.error = &ignored,
			.steps = GATHER_STEPS };
		good = gather_pass(&c, &query, &g);
		plan_release(&c);
		arena_free(&c.arena);
	}
	pending_free(&pending);
	search_query_free(&query);
	error_clear(&ignored);
	*n = g.n;
	return good;
}
