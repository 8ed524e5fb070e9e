/*
 * Choosing the way: the sets that the indexes know are put together, and the cheapest of these is taken: their ids in order,
 * the index of the order's field with the set as a sieve, or all of the set read and sorted. Costs are rough times, in
 * microseconds, as measured on one core.
 */
#include "server/store/plan.h"
#include <glib.h>
#include <math.h>

#define SURE_US 1000.0       /* so short a time is not bet on how values lie */
#define READ_US 6.0          /* a record read and checked */
#define LOOK_US 1.2          /* an id looked up in a list */
#define WALK_US 0.06         /* an entry read in passing, of a value with many */
#define STRETCH_US 0.5       /* an entry of a stretch: each may have a value of its own */
#define GROUPS_ABOVE 5000    /* candidates: fewer are read and sorted whatever the order */
#define FEW 5000             /* records read are no scan */
#define PLACED_US 0.03       /* a candidate named and its place taken */
#define PLACED_FEW 50        /* candidates: fewer are rather read */
#define PLACES_ABOVE 4000    /* entries of a stretch that is not gathered */
#define PLACES_RECORDS 20000 /* of an entity: fewer are not worth it */
#define WALK_DOUBTS                                                                                \
	20 /* so much longer a walk may take than values that lie evenly would make it */
#define BRIEF_US 2000
#define BRIEF_ENTRIES 200000
#define GATHERED_ABOVE 1000 /* candidates */

bool plan_sees_all(const struct query *q)
{
	return scope_sees_all(q->scope, q->entity);
}

/* Places. */

bool plan_makes_places(const struct planner *p, const struct entity *entity)
{
	uint64_t next = 0;

	if (p->query->way)
		return p->query->way == 1 + WAY_PLACES;
	return !p->query->brief && !store_next_id(p->txn, entity, &next, NULL) &&
	       next > PLACES_RECORDS;
}

void plan_equip(struct planner *p, struct ids *x)
{
	bool forced = p->query->way == 1 + WAY_PLACES;

	for (size_t i = 0; i < x->nparts; i++)
		plan_equip(p, x->parts[i]);
	if (x->kind == IDS_RANGE && !p->query->trash && (x->size >= PLACES_ABOVE || forced) &&
		(!p->query->way || forced))
		ids_equip(x, p->txn, plan_makes_places(p, x->entity));
}

/* The part of the set that costs most to gather; -1: none costs anything. */
static int dearest(const struct ids *x)
{
	double most = 0;
	int at = -1;

	for (size_t i = 0; i < x->nparts; i++) {
		double unread = ids_unread(x->parts[i]);
		if (unread > most) {
			most = unread;
			at = (int)i;
		}
	}
	return at;
}

static double share(const struct planner *p, const struct ids *part)
{
	return p->plan->all > 0 ? MAX(part->size / p->plan->all, 1e-9) : 1;
}

/* Records that must be read to find this many rows among n candidates. */
static double reads(const struct planner *p, double n, double rows, double kept)
{
	return p->unknown ? n : MIN(n, rows / kept);
}

static void drop(struct ids *x, int at)
{
	ids_free(&x->parts[at]);
	x->parts[at] = x->parts[--x->nparts];
	x->exact = false;
}

/* Leaves out what is dearer to gather than to check on the records. rows: how many are wanted. */
static void trim(struct planner *p, struct ids *x, double rows)
{
	int at;

	while ((at = dearest(x)) >= 0) {
		const struct ids *part = x->parts[at];
		double kept = share(p, part);
		double with = reads(p, x->size, rows, 1);
		double without = reads(p, MIN(x->size / kept, p->plan->all), rows, kept);

		if (ids_unread(part) * STRETCH_US <= (without - with) * READ_US)
			return;
		drop(x, at);
		ids_measure(x, p->txn, p->plan->all);
	}
}

/* Lists in which more ids will be looked up than they have are gathered first. */
static enum status gather_small(struct planner *p, struct ids *x, double looked)
{
	enum status s = STATUS_OK;

	for (size_t i = 0; i < x->nparts && !s; i++) {
		struct ids *part = x->parts[i];
		if (ids_names(part) && !part->places && part->size * WALK_US < looked * LOOK_US)
			s = ids_gather(part, p->txn, p->e);
	}
	return s;
}

static void add_all(struct planner *p, struct ids *x)
{
	struct ids *all = ids_all(p->query->entity, p->query->trash);

	if (ids_names(x)) {
		ids_free(&all);
		return;
	}
	all->size = p->plan->all;
	x->exact = false;
	ids_add(x, all);
}

/* Order. */

/* The index of the field by which rows are sorted first, if it can give them in that order. */
static const struct field *sort_index(const struct query *q, const struct order *o)
{
	const struct field *f = o->n >= 1 ? o->keys[0].field : NULL;

	if (!f || (q->trash ? f->tag != TAG_DELETED_AT : !plan_ordered(f)))
		return NULL;
	return f;
}

static bool always_set(const struct field *f)
{
	return f->tag == TAG_CREATED_AT || f->tag == TAG_UPDATED_AT;
}

/* The stretch of the sort's index that the condition allows; what it says of that field is taken out of the set. */
static void take_stretch(struct planner *p, struct ids *x, const struct field *f)
{
	struct plan *plan = p->plan;
	bool reading = entity_field_reading(p->query->entity, f) != NULL;

	plan->stretch = plan_whole_index(p->query->entity, f);
	plan->then_unset = !always_set(f) && !p->query->trash;
	for (size_t i = 0; i < x->nparts; i++) {
		struct ids *part = x->parts[i];
		if (part->field != f || reading)
			continue;
		if (part->kind == IDS_RANGE) {
			plan_narrow(plan->stretch, part);
			ids_free(&x->parts[i]);
			x->parts[i--] = x->parts[--x->nparts];
			plan->then_unset = false;
		} else if (part->kind == IDS_LIST) {
			struct ids *one = plan_stretch_of(part);
			plan_narrow(plan->stretch, one);
			ids_free(&one);
			plan->then_unset = false;
		}
	}
}

/* Whether walking along the sort's index finds the page sooner than reading all candidates. */
static bool walk_pays(struct planner *p, const struct ids *x, const struct ids *stretch)
{
	double rows = p->query->limit + 1, n = MAX(x->size, 1), sieves = (double)x->nparts;
	double of = MIN(n, stretch->size);
	double passed = p->unknown ? stretch->size : MIN(stretch->size, rows * p->plan->all / n);
	double walk =
		passed * (WALK_US + MIN(sieves * LOOK_US, 0.2)) + reads(p, n, rows, 1) * READ_US;
	double sort = MIN(ids_unread(x), p->plan->all) * STRETCH_US + of * READ_US;

	return sieves == 0 || (walk < sort && sort > SURE_US);
}

static enum status by_index(struct planner *p, struct ids *x)
{
	double rows = p->query->limit + 1;
	double passed = MIN(p->plan->stretch->size, rows * p->plan->all / MAX(x->size, 1));

	if (p->unknown)
		passed = p->plan->stretch->size;
	p->plan->way = p->order->n == 1 ? WAY_INDEX : WAY_GROUPS;
	p->plan->exact = x->exact;
	trim(p, x, rows);
	return gather_small(p, x, passed);
}

/* Whether candidates are sorted by their places. */
static bool by_places(struct planner *p, struct ids *x, const struct field *f)
{
	double n = MAX(x->size, 1), rows = p->query->limit + 1.0, all = p->plan->all;
	double walk = rows * all / n * WALK_US + MIN(n, rows) * READ_US;
	double places = n * PLACED_US + rows * READ_US, read = n * READ_US;
	bool forced = p->query->way == 1 + WAY_PLACES;

	if (p->order->n != 1 || p->query->trash || (p->query->way && !forced))
		return false;
	if (!forced && (x->nparts == 0 || n < PLACED_FEW || WALK_DOUBTS * walk < places))
		return false;
	p->plan->places = places_take(
		p->txn, p->query->entity, f, false, plan_makes_places(p, p->query->entity));
	if (!p->plan->places) {
		p->plan->slow = p->query->brief && all > PLACES_RECORDS &&
				MIN(WALK_DOUBTS * walk, read) > BRIEF_US;
		return false;
	}
	p->plan->way = WAY_PLACES;
	trim(p, x, rows);
	return true;
}

static bool along_pays(struct planner *p, const struct ids *x)
{
	if (p->query->way)
		return p->query->way == 1 + (int)(p->order->n > 1 ? WAY_GROUPS : WAY_INDEX);
	return p->order->n > 1 ? x->size > GROUPS_ABOVE : walk_pays(p, x, p->plan->stretch);
}

static enum status choose(struct planner *p, struct ids *x)
{
	const struct field *f = sort_index(p->query, p->order);
	double rows = p->query->limit + 1.0;

	if (p->plan->counts || p->order->n == 0) {
		trim(p, x, p->plan->counts ? INFINITY : rows);
		return STATUS_OK;
	}
	if (f && by_places(p, x, f))
		return STATUS_OK;
	if (p->plan->slow)
		return STATUS_OK;
	if (f) {
		take_stretch(p, x, f);
		ids_measure(x, p->txn, p->plan->all);
		ids_measure(p->plan->stretch, p->txn, p->plan->all);
		if (along_pays(p, x))
			return by_index(p, x);
		if (!p->plan->then_unset)
			ids_add(x, p->plan->stretch);
		else
			ids_free(&p->plan->stretch);
		p->plan->stretch = NULL;
		p->plan->then_unset = false;
		ids_measure(x, p->txn, p->plan->all);
	}
	p->plan->way = WAY_BEST;
	trim(p, x, INFINITY);
	return STATUS_OK;
}

/* The sets. */

static void add_condition(struct planner *p, struct ids *x)
{
	const struct condition *c = p->query->condition;
	struct ids *part;

	if (!c || c->root < 0)
		return;
	part = p->query->trash ? NULL : plan_node(p, c->root);
	if (!part) {
		p->unknown = true;
		x->exact = false;
		return;
	}
	x->exact = part->exact;
	if (part->kind != IDS_AND) {
		ids_add(x, part);
		return;
	}
	for (size_t i = 0; i < part->nparts; i++)
		ids_add(x, part->parts[i]);
	part->nparts = 0;
	ids_free(&part);
}

static void add_trash(struct planner *p, struct ids *x)
{
	const struct field *f = entity_field_by_tag(p->query->entity, TAG_DELETED_AT);

	if (p->query->trash && f)
		ids_add(x, plan_whole_index(p->query->entity, f));
}

/* About the entries that are read to gather it. */
static double all_sizes(const struct ids *x)
{
	double n = x->nparts ? 0 : x->size;

	for (size_t i = 0; i < x->nparts; i++)
		n += all_sizes(x->parts[i]);
	return n;
}

static enum status settle(struct planner *p, struct ids *x)
{
	struct plan *plan = p->plan;
	bool along = plan->stretch != NULL;

	/* no index names the members of "not A", and A says nothing of the trash */
	if (!along && !(plan->counts && x->exact && plan_sees_all(p->query)))
		add_all(p, x);
	ids_measure(x, p->txn, plan->all);
	plan->exact = x->exact;
	plan->scans = p->unknown && (along ? MIN(x->size, plan->stretch->size) : x->size) > FEW;
	if (plan->counts)
		return STATUS_OK;
	plan->slow = plan->way == WAY_PLACES && p->query->brief && all_sizes(x) > BRIEF_ENTRIES;
	if (plan->slow)
		return STATUS_OK;
	if (plan->way == WAY_PLACES && x->size > GATHERED_ABOVE) {
		enum status s = ids_gather(x, p->txn, p->e);
		if (s)
			return s;
	}
	return ids_start(x, p->txn,
		plan->way != WAY_IDS || p->order->id_descending || p->order->n > 0, p->e);
}

enum status plan_make(struct txn *t, const struct query *q, const struct order *order, bool counts,
	struct plan *out, struct error *e)
{
	struct planner p = { .txn = t, .query = q, .order = order, .plan = out, .e = e };
	uint64_t next = 0;
	struct ids *x, *scope;
	enum status s = store_next_id(t, q->entity, &next, e);

	*out = (struct plan){ .counts = counts, .all = next > 0 ? (double)next - 1 : 0 };
	if (s)
		return s;
	out->ids = x = ids_new(IDS_AND, q->entity, "all of");
	x->exact = true;
	add_condition(&p, x);
	scope = plan_scope(&p, q->entity, q->trash);
	if (scope)
		ids_add(x, scope);
	add_trash(&p, x);
	if (out->slow)
		return STATUS_OK;
	ids_measure(x, t, out->all);
	plan_equip(&p, x);
	ids_measure(x, t, out->all);
	s = choose(&p, x);
	return s || out->slow ? s : settle(&p, x);
}

enum status plan_rest(struct plan *p, struct txn *t, const struct query *q, struct error *e)
{
	struct planner planner = { .txn = t, .query = q, .plan = p };

	add_all(&planner, p->ids);
	return ids_start(p->ids, t, true, e);
}

void plan_free(struct plan *p)
{
	ids_free(&p->ids);
	ids_free(&p->stretch);
	places_give(&p->places);
}
