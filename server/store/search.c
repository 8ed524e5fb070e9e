/*
 * Search: three passes over candidates (whole, start, inside), in each one entity after the other, of each entity by descending id;
 * every candidate is checked on the record and counts in the pass of its rank only. The page token is the pass, the
 * entity and the last id that was dealt with.
 */
#include "server/store/search.h"
#include "common/arena.h"
#include "server/store/internal.h"

#define STEPS_OF_RECORD 60u      /* what reading a record costs, in steps */
#define STEPS_OF_VISIBLE 2u      /* and an index entry of the scope */
#define VISIBLE_MANY 512u        /* in a chunk: who sees so many has candidates looked up first */
#define CANDIDATES_FEW 64u       /* in a chunk: cheaper looked up one by one */
#define ARENA_CEILING (4u << 20) /* of one plan */
#define TOKEN_BYTES 11

struct search {
	const struct search_request *request;
	struct search_query query;
	struct buf *next;
	struct error *error;
	struct term_key key;
	struct pending *pending;
	uint32_t found;
	size_t steps; /* left */
	bool moved;   /* this page has dealt with something: it may end */
	bool done;
	/* where it is */
	int pass;
	size_t at;                   /* entity */
	const struct entity *entity; /* the same */
	uint64_t before;             /* ids below this one are left */
	struct visible *visible;     /* NULL: the caller sees all */
	bool many;                   /* he sees many */
	/* the last row given */
	int last_pass;
	uint16_t last_entity;
	uint64_t last;
	struct buf record;
};

/* ---- Pages ---- */

static void token_write(struct search *s, int pass, uint16_t entity, uint64_t before)
{
	buf_clear(s->next);
	buf_add_u8(s->next, (uint8_t)pass);
	buf_add_u16(s->next, entity);
	buf_add_u64(s->next, before);
	s->done = true;
}

static enum status token_read(struct search *s, struct bytes token)
{
	const struct search_request *r = s->request;
	uint8_t pass = RANK_WHOLE;
	uint16_t entity = 0;

	s->before = UINT64_MAX;
	s->pass = pass;
	if (token.len == 0)
		return STATUS_OK;
	if (token.len == TOKEN_BYTES && take_u8(&token, &pass) && take_u16(&token, &entity) &&
		take_u64(&token, &s->before) && pass >= RANK_INSIDE && pass <= RANK_WHOLE)
		for (s->at = 0; s->at < r->nentities; s->at++)
			if (r->entities[s->at]->number == entity) {
				s->pass = pass;
				return STATUS_OK;
			}
	return error_set(s->error, STATUS_USAGE, "page is none of this search");
}

/* One record of the rank at hand. The page ends before the first row too many, so that its token is never of an empty page. */
static void give_row(struct search *s, const struct stored *record)
{
	const struct search_request *r = s->request;

	if (s->found == r->limit) {
		token_write(s, s->last_pass, s->last_entity, s->last);
		return;
	}
	s->found++;
	s->last = record->id;
	s->last_pass = s->pass;
	s->last_entity = s->entity->number;
	if (!r->row(r->arg, s->entity, record))
		token_write(s, s->pass, s->entity->number, record->id);
}

/* ---- Candidates ---- */

/* Most candidates of a long search fail here, by what was entered: the rest of a record is read for rows alone. */
static enum status try_entered(struct search *s, uint64_t id, bool *meets, struct error *e)
{
	const struct search_request *r = s->request;
	struct bytes fields = { 0 };
	uint64_t version;
	enum status status =
		record_read(r->txn, s->entity->number, id, &s->record, &version, &fields, e);

	*meets = status == STATUS_OK &&
		 search_query_match(&s->query, s->entity, fields, r->class_mask) == s->pass;
	return status;
}

static enum status try_candidate(struct search *s, uint64_t id)
{
	const struct search_request *r = s->request;
	struct stored record;
	struct error ignored;
	enum status status;
	bool meets;

	error_init(&ignored);
	status = try_entered(s, id, &meets, &ignored);
	if (meets)
		status = store_get(r->txn, r->scope, s->entity, id, &s->record, &record, &ignored);
	if (meets && status == STATUS_OK)
		give_row(s, &record);
	if (status != STATUS_OK && status != STATUS_NOT_FOUND)
		error_move(s->error, &ignored);
	error_clear(&ignored);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void spend(struct plan_context *c, size_t steps)
{
	c->steps -= steps < c->steps ? steps : c->steps;
}

static size_t chunk_and(struct chunk *out, const struct chunk *other)
{
	size_t n = 0;

	for (size_t i = 0; i < CHUNK_WORDS; i++) {
		out->words[i] &= other ? other->words[i] : UINT64_MAX;
		n += (size_t)__builtin_popcountll(out->words[i]);
	}
	return n;
}

/*
 * Who sees little has that looked up first, and the lists of terms are only read where it is. Who sees much has the scope looked up only
 * where there are many candidates; the few are looked up one by one.
 */
static bool candidates(struct search *s, struct plan_context *c, struct plan *plan, uint64_t number,
	struct chunk *out)
{
	bool first = s->visible != NULL && !s->many;
	struct chunk seen;
	size_t n = first ? visible_chunk(s->visible, number, &seen) : 0;

	spend(c, n * STEPS_OF_VISIBLE);
	s->many = s->many || n > VISIBLE_MANY;
	if ((first && n == 0) || !plan_chunk(c, plan, number, out))
		return false;
	if (!first && s->visible != NULL && chunk_and(out, NULL) > CANDIDATES_FEW) {
		n = visible_chunk(s->visible, number, &seen);
		spend(c, n * STEPS_OF_VISIBLE);
		first = true;
	}
	return chunk_and(out, first ? &seen : NULL) > 0;
}

/* The candidates of a chunk that are below s->before, descending. */
static enum status try_chunk(
	struct search *s, struct plan_context *c, uint64_t number, const struct chunk *chunk)
{
	enum status status = STATUS_OK;

	for (size_t i = CHUNK_WORDS; i-- > 0 && status == STATUS_OK && !s->done;) {
		uint64_t word = chunk->words[i];

		while (word != 0 && status == STATUS_OK && !s->done) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(word);
			uint64_t id = number << CHUNK_BITS | i * 64 | bit;

			word ^= UINT64_C(1) << bit;
			if (id >= s->before || id == 0)
				continue;
			if (c->steps == 0 && s->moved) {
				token_write(s, s->pass, s->entity->number, id + 1);
				break;
			}
			status = try_candidate(s, id);
			spend(c, STEPS_OF_RECORD);
			s->before = id;
			s->moved = true;
		}
	}
	return status;
}

static uint64_t next_bound(struct search *s, struct plan_context *c, struct plan *plan)
{
	uint64_t max = s->before - 1;

	if (s->visible != NULL && !s->many) {
		max = visible_bound(s->visible, max);
		spend(c, STEPS_OF_VISIBLE * 8);
	}
	return max > 0 ? plan_bound(c, plan, max) : 0;
}

static enum status read_candidates(struct search *s, struct plan_context *c, struct plan *plan)
{
	struct chunk chunk;

	while (!s->done && s->before > 1) {
		uint64_t bound = next_bound(s, c, plan), number = bound >> CHUNK_BITS;
		enum status status = c->status;

		if (status != STATUS_OK || bound == 0)
			return status;
		if (c->steps == 0 && s->moved) {
			token_write(s, s->pass, s->entity->number, bound + 1);
			break;
		}
		if (candidates(s, c, plan, number, &chunk))
			status = try_chunk(s, c, number, &chunk);
		if (status != STATUS_OK || c->status != STATUS_OK)
			return status != STATUS_OK ? status : c->status;
		if (!s->done)
			s->before = number << CHUNK_BITS;
		s->moved = true;
	}
	return STATUS_OK;
}

static enum status run_plan(struct search *s)
{
	const struct search_request *r = s->request;
	struct plan_context c = { .txn = r->txn,
		.pending = s->pending,
		.key = &s->key,
		.entity = s->entity->number,
		.arena = arena_new(ARENA_CEILING),
		.error = s->error,
		.steps = s->steps };
	enum status status;
	struct plan *plan;

	for (size_t i = 0; i < s->entity->nfields; i++)
		if (s->entity->fields[i].flags & F_SEARCH)
			c.classes |= 1u << field_strictest(&s->entity->fields[i]);
	c.classes &= r->class_mask;
	plan = plan_query(&c, &s->query, (enum search_rank)s->pass);
	status = c.status;
	if (status == STATUS_OK && plan != NULL)
		status = read_candidates(s, &c, plan);
	s->steps = c.steps;
	plan_release(&c);
	arena_free(&c.arena);
	return status;
}

static enum status run_entity(struct search *s)
{
	const struct search_request *r = s->request;
	uint64_t next = 1;
	enum status status;

	s->entity = r->entities[s->at];
	status = next_id_peek(r->txn, s->entity->number, &next, s->error);
	if (status != STATUS_OK || next == 1)
		return status;
	s->many = false;
	status = visible_open(r->txn, r->scope, s->entity, &s->visible, s->error);
	if (status == STATUS_OK)
		status = run_plan(s);
	visible_free(&s->visible);
	return status;
}

static enum status run_passes(struct search *s)
{
	const struct search_request *r = s->request;
	enum status status = pending_read(r->txn, &s->pending, s->error);

	term_key_init(txn_store(r->txn), &s->key);
	s->steps = r->steps > 0 ? r->steps : SIZE_MAX;
	for (; s->pass >= RANK_INSIDE; s->pass--, s->at = 0)
		for (; s->at < r->nentities; s->at++) {
			if (status == STATUS_OK)
				status = run_entity(s);
			if (status != STATUS_OK || s->done)
				return status;
			s->before = UINT64_MAX;
		}
	return status;
}

enum status search_entities(const struct search_request *r, struct buf *next, struct error *e)
{
	struct search s = { .request = r, .next = next, .error = e };
	enum status status;

	buf_clear(next);
	if (r->text.len > 4 * SEARCH_MAX_TEXT)
		return error_set(e, STATUS_USAGE, "search text is too long");
	search_query_init(&s.query, r->text);
	if (s.query.folded.len > SEARCH_MAX_TEXT)
		status = error_set(
			e, STATUS_USAGE, "search text is longer than %u bytes", SEARCH_MAX_TEXT);
	else if (s.query.many)
		status = error_set(
			e, STATUS_USAGE, "search text has more than %u words", SEARCH_MAX_ATOMS);
	else
		status = token_read(&s, r->after);
	if (status == STATUS_OK && r->limit > 0)
		status = run_passes(&s);
	if (status != STATUS_OK)
		buf_clear(next);
	pending_free(&s.pending);
	search_query_free(&s.query);
	buf_free(&s.record);
	return status;
}

struct one_entity {
	query_row *row;
	void *arg;
};

static bool one_row(void *arg, const struct entity *entity, const struct stored *record)
{
	const struct one_entity *one = arg;

	(void)entity;
	return one->row(one->arg, record);
}

enum status search_run(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct bytes text, unsigned class_mask, uint32_t limit, struct bytes after, query_row *row,
	void *arg, struct buf *next, struct error *e)
{
	struct one_entity one = { row, arg };
	struct search_request r = { .txn = t,
		.scope = scope,
		.entities = &entity,
		.nentities = 1,
		.text = text,
		.class_mask = class_mask,
		.limit = limit,
		.after = after,
		.row = one_row,
		.arg = &one };

	return search_entities(&r, next, e);
}
