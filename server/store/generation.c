#include "server/store/generation.h"
#include "server/store/field_job.h"
#include "server/store/reindex.h"

#define SLOT_SHIFT 48
#define TAKEN_MASK ((UINT64_C(1) << SLOT_SHIFT) - 1)
#define CURRENT (INT64_C(1) << 62) /* left of one that is current: never reached by giving back */
#define EXTRA_BYTES (8u << 20)

static const char number_key[] = "fields";

/* ---- Making ---- */

void generation_free(struct generation **gp)
{
	struct generation *g = *gp;

	if (!g)
		return;
	shapes_free(g->shapes, g->nshapes);
	if (g->visible && g->visible != g->kept)
		schema_free(&g->visible);
	schema_free(&g->kept);
	free(g);
	*gp = NULL;
}

static enum status complete(
	const struct schema *base, struct generation *g, enum status s, struct error *e)
{
	const struct entity *operation = schema_entity(base, bytes_str("operation"));

	g->base = base;
	g->operation_entity = operation ? operation->number : UINT16_MAX;
	return s ? s : shapes_build(g->kept, &g->shapes, &g->nshapes, e);
}

enum status generation_first(struct store *store, struct generation **out, struct error *e)
{
	struct generation *g = calloc(1, sizeof(*g));
	enum status s;

	if (!g)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	s = schema_extend(store->schema, NULL, 0, &g->kept, e);
	g->visible = g->kept;
	s = complete(store->schema, g, s, e);
	if (s)
		generation_free(&g);
	*out = g;
	return s;
}

static enum status next_number(struct txn *t, uint64_t *number, struct error *e)
{
	struct buf row = BUF_INIT;
	uint8_t value[8];
	enum status s = txn_get(t, SPACE_META, bytes_str(number_key), &row, e);

	*number = !s && row.len == 8 ? get_be64(row.data) : 0;
	buf_free(&row);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (!t->write)
		return STATUS_OK;
	put_be64(value, ++*number);
	return txn_put(t, SPACE_META, bytes_str(number_key), bytes_of(value, sizeof(value)), e);
}

/* What is written: a field that is out of use keeps its index, under a name that nobody else has, so that it can come back at once. */
static enum status make_kept(struct store *store, struct generation *g, struct arena *arena,
	const struct extra_field *extra, size_t n, struct error *e)
{
	struct extra_field *kept = arena_calloc(arena, n + 1, sizeof(*kept));
	char name[32];

	for (size_t i = 0; kept && i < n; i++) {
		struct field *f = &kept[i].field;

		kept[i] = extra[i];
		if (!(f->flags & F_RETIRED))
			continue;
		snprintf(name, sizeof(name), "custom_%u", f->tag);
		f->name = arena_str(arena, bytes_str(name));
		f->zh = f->en = NULL;
		f->flags &= ~F_RETIRED;
		if (!f->name)
			kept = NULL;
	}
	if (!kept)
		return error_set(e, STATUS_INTERNAL, "too many fields");
	return schema_extend(store->schema, kept, n, &g->kept, e);
}

/* What is asked: a field whose index does not stand yet is read from the records. */
static enum status make_visible(
	struct txn *t, struct generation *g, struct extra_field *extra, size_t n, struct error *e)
{
	bool hidden = false;

	for (size_t i = 0; i < n; i++) {
		hidden |= (extra[i].field.flags & F_RETIRED) != 0;
		if (!field_job_open(t, extra[i].entity, extra[i].field.tag))
			continue;
		extra[i].field.flags &= ~(F_INDEXED | F_SEARCH);
		g->jobs++;
	}
	if (g->jobs || hidden)
		return schema_extend(t->store->schema, extra, n, &g->visible, e);
	g->visible = g->kept;
	return STATUS_OK;
}

static enum status make(struct txn *t, struct generation *g, struct arena *arena, struct error *e)
{
	struct store *store = t->store;
	struct extra_field *extra = NULL;
	size_t n = 0;
	enum status s = next_number(t, &g->number, e);

	if (!s && store->fields)
		s = store->fields(t, arena, &extra, &n, e);
	if (!s)
		s = make_kept(store, g, arena, extra, n, e);
	s = complete(store->schema, g, s, e);
	if (!s && t->write)
		s = field_jobs_begin(t, t->generation, g, e);
	return s ? s : make_visible(t, g, extra, n, e);
}

enum status generation_make(struct txn *t, struct generation **out, struct error *e)
{
	struct generation *g = calloc(1, sizeof(*g));
	struct arena *arena = arena_new(EXTRA_BYTES);
	enum status s = g ? make(t, g, arena, e) : error_set(e, STATUS_INTERNAL, "out of memory");

	arena_free(&arena);
	if (s && g)
		generation_free(&g);
	*out = g;
	return s;
}

/* ---- Holding ---- */

static void let_go(struct generation *g)
{
	atomic_store(&g->head->slots[g->slot], NULL);
	generation_free(&g);
}

bool generation_room(const struct generations *head)
{
	for (unsigned i = 0; i < GENERATIONS; i++)
		if (!atomic_load(&head->slots[i]))
			return true;
	return false;
}

static void retire(struct generation *g, uint64_t taken)
{
	int64_t change = (int64_t)taken - CURRENT;

	if (g && atomic_fetch_add(&g->left, change) + change == 0)
		let_go(g);
}

enum status generation_publish(struct generations *head, struct generation *g, struct error *e)
{
	unsigned slot = 0;
	uint64_t before;

	while (slot < GENERATIONS && atomic_load(&head->slots[slot]))
		slot++;
	if (slot == GENERATIONS)
		return error_set(e, STATUS_BUSY, "too many changes of fields at once");
	g->head = head;
	g->slot = slot;
	atomic_store(&g->left, CURRENT);
	before = atomic_load(&head->current);
	struct generation *old = atomic_load(&head->slots[before >> SLOT_SHIFT]);
	atomic_store(&head->slots[slot], g);
	before = atomic_exchange(&head->current, (uint64_t)slot << SLOT_SHIFT);
	retire(old, before & TAKEN_MASK);
	return STATUS_OK;
}

struct generation *generation_take(struct generations *head)
{
	uint64_t at = atomic_fetch_add(&head->current, 1);

	return atomic_load(&head->slots[at >> SLOT_SHIFT]);
}

const struct schema *generation_schema(const struct generation *g)
{
	return g->visible;
}

uint64_t generation_number(const struct generation *g)
{
	return g->number;
}

struct generation *store_generation(const struct store *s)
{
	return generation_take(s->generations);
}

bool generation_is_current(const struct generation *g)
{
	return atomic_load(&g->head->current) >> SLOT_SHIFT == g->slot;
}

void generation_keep(struct generation *g)
{
	atomic_fetch_add(&g->left, 1);
}

void generation_give(struct generation **gp)
{
	struct generation *g = *gp;

	*gp = NULL;
	if (g && atomic_fetch_sub(&g->left, 1) == 1)
		let_go(g);
}

void generations_free(struct generations *head)
{
	for (unsigned i = 0; i < GENERATIONS; i++) {
		struct generation *g = atomic_load(&head->slots[i]);
		generation_free(&g);
	}
}
