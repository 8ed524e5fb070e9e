/*
 * Search: three passes over candidates (whole, start, inside), each by descending id; every candidate is checked on the
 * record and counts in the pass of its rank only. The page token is the pass and the last id that was dealt with.
 */
#include "server/store/search.h"
#include "common/arena.h"
#include "common/text.h"
#include "server/store/key.h"

#define MAX_VISIBLE 2048u /* a caller who sees no more has them listed before the index is asked */
#define STEPS 100000u     /* look-ups of a page */
#define STEPS_OF_RECORD 60u      /* what reading a record costs, in look-ups */
#define ARENA_CEILING (4u << 20) /* of one pass's plan */
#define TOKEN_BYTES 9

struct search {
	struct txn *txn;
	const struct scope *scope;
	const struct entity *entity;
	unsigned class_mask;
	struct search_query query;
	uint32_t limit, found;
	query_row *row;
	void *arg;
	struct buf *next;
	struct error *error;
	struct term_key key;
	struct pending *pending;
	uint64_t *visible; /* descending, when few */
	size_t nvisible;
	bool few;
	bool done;
	int pass;
	uint64_t before; /* ids below this one are left in this pass */
	uint64_t last;   /* of the last row given, with its pass */
	int last_pass;
	struct buf record;
};

/* ---- What the caller sees ---- */

static bool add_visible(struct search *s, unsigned tag, uint64_t value)
{
	struct key prefix = key_scope_value(s->entity->number, (uint16_t)tag, value);
	struct walk *w = NULL;
	struct bytes key;

	if (value == 0)
		return true;
	if (walk_open(s->txn, SPACE_IDX, key_bytes(&prefix), &w, s->error) != STATUS_OK)
		return false;
	while (s->nvisible < MAX_VISIBLE && walk_next(w, &key))
		s->visible[s->nvisible++] = key_index_id(key);
	walk_close(&w);
	return s->nvisible < MAX_VISIBLE;
}

static int compare_descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x == y ? 0 : x > y ? -1 : 1;
}

static void list_visible(struct search *s)
{
	const struct scope *scope = s->scope;
	size_t n = 0;

	if (scope->all || scope->trash_too || (s->entity->flags & E_SHARED))
		return;
	s->visible = calloc(MAX_VISIBLE, sizeof *s->visible);
	s->few = s->visible != NULL;
	if (scope->own)
		s->few = s->few && add_visible(s, KEY_SCOPE_OWNER, scope->user) &&
			 add_visible(s, KEY_SCOPE_SEEN, scope->user);
	for (size_t i = 0; s->few && i < scope->nbranches; i++)
		s->few = add_visible(s, KEY_SCOPE_BRANCH, scope->branches[i]);
	s->few = s->few && add_visible(s, KEY_SCOPE_POOL, scope->pool_branch);
	if (!s->few)
		return;
	qsort(s->visible, s->nvisible, sizeof *s->visible, compare_descending);
	for (size_t i = 0; i < s->nvisible; i++)
		if (n == 0 || s->visible[n - 1] != s->visible[i])
			s->visible[n++] = s->visible[i];
	s->nvisible = n;
}

/* ---- Pages ---- */

static void token_write(struct search *s, int pass, uint64_t before)
{
	buf_clear(s->next);
	buf_add_u8(s->next, (uint8_t)pass);
	buf_add_u64(s->next, before);
	s->done = true;
}

static enum status token_read(struct search *s, struct bytes token)
{
	uint8_t pass = RANK_WHOLE;

	s->before = UINT64_MAX;
	if (token.len > 0 &&
		(token.len != TOKEN_BYTES || !take_u8(&token, &pass) ||
			!take_u64(&token, &s->before) || pass < RANK_INSIDE || pass > RANK_WHOLE))
		return error_set(s->error, STATUS_USAGE, "page is none of this search");
	s->pass = pass;
	return STATUS_OK;
}

/* One record of the rank at hand. The page ends before the first row too many, so that its token is never of an empty page. */
static void give_row(struct search *s, const struct stored *record)
{
	if (s->found == s->limit) {
		token_write(s, s->last_pass, s->last);
		return;
	}
	s->found++;
	s->last = record->id;
	s->last_pass = s->pass;
	if (!s->row(s->arg, record))
		token_write(s, s->pass, record->id);
}

static enum status try_candidate(struct search *s, uint64_t id)
{
	struct stored record;
	struct error ignored;
	enum status status;

	error_init(&ignored);
	status = store_get(s->txn, s->scope, s->entity, id, &s->record, &record, &ignored);
	if (status == STATUS_OK &&
		search_query_match(&s->query, s->entity, record.fields, s->class_mask) == s->pass)
		give_row(s, &record);
	if (status != STATUS_OK && status != STATUS_NOT_FOUND)
		error_move(s->error, &ignored);
	error_clear(&ignored);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_candidates(struct search *s, struct plan_context *c, struct plan *plan)
{
	while (!s->done && s->before > 1) {
		bool cut = false;
		uint64_t id = plan_seek(c, plan, s->before - 1, &cut);
		enum status status = c->status;

		if (status != STATUS_OK)
			return status;
		if (cut)
			token_write(s, s->pass, id + 1);
		if (cut || id == 0)
			break;
		status = try_candidate(s, id);
		if (status != STATUS_OK)
			return status;
		s->before = id;
		c->steps -= c->steps < STEPS_OF_RECORD ? c->steps : STEPS_OF_RECORD;
	}
	return STATUS_OK;
}

static enum status run_pass(struct search *s, size_t *steps)
{
	struct plan_context c = { .txn = s->txn,
		.pending = s->pending,
		.key = &s->key,
		.entity = s->entity->number,
		.arena = arena_new(ARENA_CEILING),
		.error = s->error,
		.steps = *steps };
	enum status status;
	struct plan *plan;

	for (size_t i = 0; i < s->entity->nfields; i++)
		if (s->entity->fields[i].flags & F_SEARCH)
			c.classes |= 1u << field_strictest(&s->entity->fields[i]);
	c.classes &= s->class_mask;
	plan = plan_query(&c, &s->query, (enum search_rank)s->pass);
	if (plan != NULL && s->few)
		plan = plan_and(&c, plan_ids(&c, s->visible, s->nvisible), plan);
	status = c.status;
	if (status == STATUS_OK && plan != NULL)
		status = read_candidates(s, &c, plan);
	*steps = c.steps;
	plan_release(&c);
	arena_free(&c.arena);
	return status;
}

static enum status run_passes(struct search *s)
{
	size_t steps = STEPS;
	enum status status = pending_read(s->txn, &s->pending, s->error);

	term_key_init(txn_store(s->txn), &s->key);
	list_visible(s);
	while (status == STATUS_OK && !s->done && s->pass >= RANK_INSIDE) {
		status = run_pass(s, &steps);
		if (status != STATUS_OK || s->done)
			break;
		s->pass--;
		s->before = UINT64_MAX;
	}
	return status;
}

enum status search_run(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct bytes text, unsigned class_mask, uint32_t limit, struct bytes after, query_row *row,
	void *arg, struct buf *next, struct error *e)
{
	struct search s = { .txn = t,
		.scope = scope,
		.entity = entity,
		.class_mask = class_mask,
		.limit = limit,
		.row = row,
		.arg = arg,
		.next = next,
		.error = e };
	enum status status;

	buf_clear(next);
	if (text.len > 4 * SEARCH_MAX_TEXT)
		return error_set(e, STATUS_USAGE, "search text is too long");
	search_query_init(&s.query, text);
	if (s.query.folded.len > SEARCH_MAX_TEXT)
		status = error_set(
			e, STATUS_USAGE, "search text is longer than %u bytes", SEARCH_MAX_TEXT);
	else if (s.query.many)
		status = error_set(
			e, STATUS_USAGE, "search text has more than %u words", SEARCH_MAX_ATOMS);
	else
		status = token_read(&s, after);
	if (status == STATUS_OK && limit > 0)
		status = run_passes(&s);
	if (status != STATUS_OK)
		buf_clear(next);
	pending_free(&s.pending);
	search_query_free(&s.query);
	buf_free(&s.record);
	free(s.visible);
	return status;
}
