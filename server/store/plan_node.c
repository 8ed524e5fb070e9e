/*
 * A compiled filter as sets of ids: each comparison by the index of its field, references from the far end back to the records,
 * and what and, or, not make of them.
 */
#include "server/store/plan.h"
#include <glib.h>

#define PATH_PAGE 3000     /* records followed back through one reference, for a page */
#define PATH_BRIEF 300     /* the same on a loop */
#define PATH_COUNT 2000000 /* and for a count */
#define SMALL_PAGE 300     /* an entity of so few records is read whole where no index knows */
#define SMALL_COUNT 20000

struct ids *plan_whole_index(const struct entity *entity, const struct field *f)
{
	struct ids *x = ids_new(IDS_RANGE, entity, "stretch of the index");

	x->field = f;
	x->exact = true;
	x->low = x->high = key_index(entity->number, f->tag);
	memset(x->high.data + x->high.len, 0xff, sizeof(x->high.data) - x->high.len);
	x->high.len = sizeof(x->high.data);
	return x;
}

void plan_narrow(struct ids *to, const struct ids *from)
{
	if (bytes_compare(key_bytes(&from->low), key_bytes(&to->low)) > 0)
		to->low = from->low;
	if (bytes_compare(key_bytes(&from->high), key_bytes(&to->high)) < 0)
		to->high = from->high;
	to->exact = to->exact && from->exact;
}

struct ids *plan_stretch_of(const struct ids *list)
{
	struct ids *x = plan_whole_index(list->entity, list->field);

	x->low = x->high = list->low;
	key_add_u64(&x->low, 0);
	key_add_u64(&x->high, UINT64_MAX);
	return x;
}

/* Scope. */

struct scope_ids {
	struct ids *to;
	unsigned trash;
};

static bool add_scope(void *arg, const struct entity *entity, unsigned tag, uint64_t value)
{
	const struct scope_ids *x = arg;
	struct key k = key_scope_value(entity->number, (uint16_t)(tag | x->trash), value);
	struct ids *list;

	if (!value)
		return false;
	list = ids_list(entity, NULL, &k);
	list->exact = true;
	ids_add(x->to, list);
	return false;
}

struct ids *plan_scope(const struct planner *p, const struct entity *entity, bool trash)
{
	const struct scope *scope = p->query->scope;
	struct scope_ids x = { .trash = trash ? KEY_TRASHED : 0 };

	if (scope_sees_all(scope, entity))
		return NULL;
	x.to = ids_new(IDS_OR, entity, "index of what the caller may see");
	x.to->exact = true;
	scope_lists(scope, entity, add_scope, &x);
	return x.to;
}

/* Ids. */

static uint64_t id_of(const struct wire_field *w)
{
	int64_t v = unzigzag(w->number);

	return v < 0 ? 0 : (uint64_t)v;
}

static struct ids *named_ids(struct planner *p, const struct condition_node *n, int step)
{
	struct ids *x = ids_new(IDS_BITS, n->entity[step], "ids");
	uint64_t next = 0;

	x->field = n->field[step];
	if (store_next_id(p->txn, x->entity, &next, NULL))
		next = 0;
	bits_init(&x->bits, next);
	for (size_t i = 0; i < n->noperands; i++)
		bits_set(&x->bits, id_of(&n->operands[i].low));
	return x;
}

static struct ids *id_leaf(
	struct planner *p, const struct condition_node *n, enum filter_op op, int step)
{
	struct ids *x;

	if (op == FILTER_EQ || op == FILTER_IN)
		return named_ids(p, n, step);
	if (op == FILTER_CONTAINS || op == FILTER_NOT_EMPTY)
		return NULL;
	x = ids_all(n->entity[step], false);
	x->field = n->field[step];
	if (op == FILTER_GE || op == FILTER_GT)
		x->first = id_of(&n->operands->low);
	else
		x->last = id_of(&n->operands->low);
	return x;
}

/* Values. */

static bool single(const struct operand *o)
{
	return o->low.wire == WIRE_BYTES || o->low.number == o->high.number;
}

static struct key edge(struct planner *p, const struct condition_node *n, int step,
	const struct wire_field *w, bool behind)
{
	struct key k = key_index_value(txn_store(p->txn), n->entity[step], n->field[step], w);

	key_add_u64(&k, behind ? UINT64_MAX : 0);
	return k;
}

static struct ids *value_leaf(
	struct planner *p, const struct condition_node *n, int step, const struct operand *o)
{
	const struct field *f = n->field[step];
	struct ids *x;

	if (single(o)) {
		struct key k = key_index_value(txn_store(p->txn), n->entity[step], f, &o->low);
		x = ids_list(n->entity[step], f, &k);
		x->exact = k.len < 4 + KEY_MAX; /* a longer text begins alike */
		return x;
	}
	if (!type_is_number(f->type) || key_is_hashed(f))
		return NULL;
	x = plan_whole_index(n->entity[step], f);
	x->low = edge(p, n, step, &o->low, false);
	x->high = edge(p, n, step, &o->high, true);
	return x;
}

static struct ids *values_leaf(struct planner *p, const struct condition_node *n, int step)
{
	struct ids *all = NULL, *x;

	for (size_t i = 0; i < n->noperands; i++) {
		x = value_leaf(p, n, step, &n->operands[i]);
		if (!x || n->noperands == 1) {
			ids_free(&all);
			return x;
		}
		if (!all) {
			all = ids_new(IDS_OR, n->entity[step], "any of");
			all->exact = true;
		}
		all->exact = all->exact && x->exact;
		ids_add(all, x);
	}
	return all;
}

/*
 * A name with a corrected reading stands in the index twice, for equality and for its place in the order: no stretches of such an index.
 * For texts an open end takes the value's own entries in: keys may be cut, the record decides.
 */
static struct ids *range_leaf(
	struct planner *p, const struct condition_node *n, enum filter_op op, int step)
{
	const struct field *f = n->field[step];
	const struct operand *o = n->operands;
	bool open = type_is_number(f->type);
	struct ids *x;

	if (!plan_ordered(f) || entity_field_reading(n->entity[step], f))
		return NULL;
	x = plan_whole_index(n->entity[step], f);
	x->exact = open;
	if (op == FILTER_GE)
		x->low = edge(p, n, step, &o->low, false);
	else if (op == FILTER_GT)
		x->low = edge(p, n, step, &o->high, open);
	else if (op == FILTER_LE)
		x->high = edge(p, n, step, &o->high, true);
	else
		x->high = edge(p, n, step, &o->low, !open);
	return x;
}

/* ~ on a searched text: the index of search names the records. */
static struct ids *contains_leaf(struct planner *p, const struct condition_node *n, int step)
{
	enum { MAX_IDS = 5000 };
	uint64_t *ids = g_new(uint64_t, MAX_IDS), next = 0;
	struct ids *x = NULL;
	size_t found = 0;

	if (search_gather(p->txn, n->entity[step], n->field[step], n->operands->normal, ids,
		    MAX_IDS, &found) &&
		!store_next_id(p->txn, n->entity[step], &next, NULL)) {
		x = ids_new(IDS_BITS, n->entity[step], "index of search");
		x->field = n->field[step];
		bits_init(&x->bits, next);
		for (size_t i = 0; i < found; i++)
			bits_set(&x->bits, ids[i]);
	}
	g_free(ids);
	return x;
}

static struct ids *leaf(
	struct planner *p, const struct condition_node *n, enum filter_op op, int step)
{
	const struct field *f = n->field[step];

	if (f->tag == TAG_ID)
		return id_leaf(p, n, op, step);
	if (op == FILTER_CONTAINS)
		return contains_leaf(p, n, step);
	if (!plan_indexed(f))
		return NULL;
	if (op == FILTER_NOT_EMPTY)
		return plan_whole_index(n->entity[step], f);
	if (op == FILTER_EQ || op == FILTER_IN)
		return values_leaf(p, n, step);
	return range_leaf(p, n, op, step);
}

/* References. */

static double records_of(struct planner *p, const struct entity *entity)
{
	uint64_t next = 0;

	return store_next_id(p->txn, entity, &next, NULL) || !next ? 0 : (double)next - 1;
}

/* Reads a small entity whole: which of its records meet the last step of the path. */
static struct ids *read_small(struct planner *p, const struct condition_node *n)
{
	int step = n->npath - 1;
	struct ids *x = ids_new(IDS_BITS, n->entity[step], "all records read");
	uint64_t next = (uint64_t)records_of(p, n->entity[step]) + 1;
	struct scope seen = *p->query->scope;

	seen.trash_too = false;
	x->field = n->field[step];
	x->exact = true;
	bits_init(&x->bits, next);
	for (uint64_t id = 1; id < next; id++) {
		struct buf row = BUF_INIT;
		struct stored record;
		if (store_get(p->txn, &seen, n->entity[step], id, &row, &record, NULL) ==
				STATUS_OK &&
			condition_leaf_meets(n, &record))
			bits_set(&x->bits, id);
		buf_free(&row);
	}
	return x;
}

static struct ids *cut_to_scope(struct planner *p, struct ids *x)
{
	struct ids *scope = plan_scope(p, x->entity, false), *both;

	if (!scope)
		return x;
	both = ids_new(IDS_AND, x->entity, "all of");
	both->exact = x->exact;
	ids_add(both, x);
	ids_add(both, scope);
	return both;
}

static enum status add_referring(
	struct planner *p, const struct condition_node *n, int step, uint64_t id, struct bits *out)
{
	struct wire_field w = { .tag = n->field[step]->tag, .wire = WIRE_VARINT, .number = id };
	struct key k = key_index_value(txn_store(p->txn), n->entity[step], n->field[step], &w);
	struct entries *entries;
	struct index_entry en;
	enum status s = entries_open(p->txn, &k, &entries, p->e);

	if (s)
		return s;
	while (entries_step(entries, false, &en))
		bits_set(out, en.id);
	entries_close(&entries);
	return STATUS_OK;
}

static double path_limit(const struct planner *p)
{
	return p->plan->counts ? PATH_COUNT : PATH_PAGE;
}

/* The records whose reference of a step names one of these. */
static struct ids *referring(
	struct planner *p, const struct condition_node *n, int step, struct ids *to)
{
	struct ids *x = ids_new(IDS_BITS, n->entity[step], "index, by what it refers to");
	enum status s = ids_gather(to, p->txn, p->e);
	uint64_t found = s ? UINT64_MAX : bits_count(&to->bits);

	x->field = n->field[step];
	x->exact = to->exact;
	if (!s && p->query->brief && found > PATH_BRIEF && found <= path_limit(p))
		p->plan->slow = true;
	if (p->plan->slow || (double)found > path_limit(p)) {
		ids_free(&x);
		return NULL;
	}
	bits_init(&x->bits, (uint64_t)records_of(p, x->entity) + 1);
	for (uint64_t id = 1; !s && (id = bits_seek(&to->bits, id, false)) != 0; id++)
		s = add_referring(p, n, step, id, &x->bits);
	if (s)
		ids_free(&x);
	return x;
}

/* The same for many, which it takes over: their references are looked up the other way round. NULL: they cannot be. */
static struct ids *referring_many(
	struct planner *p, const struct condition_node *n, int step, struct ids **to)
{
	struct places *places = NULL;
	struct ids *x;

	if (p->query->brief && ids_unread(*to) > 8 * PATH_PAGE)
		p->plan->slow = true;
	else
		places = places_take(p->txn, n->entity[step], n->field[step], true,
			plan_makes_places(p, n->entity[step]));
	if (!places || (!(*to)->places && ids_gather(*to, p->txn, p->e))) {
		places_give(&places);
		return NULL;
	}
	x = ids_new(IDS_VIA, n->entity[step], "index, by what it refers to");
	x->field = n->field[step];
	x->exact = (*to)->exact;
	x->places = places;
	ids_measure(*to, p->txn, records_of(p, (*to)->entity));
	x->size = records_of(p, x->entity) * (*to)->size / MAX(records_of(p, (*to)->entity), 1);
	ids_add(x, *to);
	*to = NULL;
	return x;
}

static struct ids *path(
	struct planner *p, const struct condition_node *n, enum filter_op op, int step)
{
	struct ids *to, *x = NULL;

	if (step == n->npath - 1) {
		to = leaf(p, n, op, step);
		if (!to && step > 0 &&
			records_of(p, n->entity[step]) <=
				(p->plan->counts ? SMALL_COUNT : SMALL_PAGE))
			to = read_small(p, n);
		return to;
	}
	if (!plan_indexed(n->field[step]))
		return NULL;
	to = path(p, n, op, step + 1);
	if (!to)
		return NULL;
	to = cut_to_scope(p, to);
	ids_measure(to, p->txn, records_of(p, to->entity));
	plan_equip(p, to);
	ids_measure(to, p->txn, records_of(p, to->entity));
	if (ids_names(to) && (to->size > PATH_BRIEF || p->query->way))
		x = referring_many(p, n, step, &to);
	if (!x && !p->plan->slow && ids_names(to) && to->size <= 8 * path_limit(p))
		x = referring(p, n, step, to);
	ids_free(&to);
	return x;
}

/* And, or, not. */

/* Not stands before leaves alone, so that what can name its members does. */
static struct ids *turned(struct ids *of)
{
	bool both = of->kind == IDS_AND;
	struct ids *x;

	if (of->kind == IDS_NOT) {
		x = of->parts[0];
		of->nparts = 0;
		ids_free(&of);
		return x;
	}
	if (!both && of->kind != IDS_OR) {
		x = ids_new(IDS_NOT, of->entity, "none of");
		ids_add(x, of);
		x->exact = true;
		return x;
	}
	of->kind = both ? IDS_OR : IDS_AND;
	of->told = both ? "any of" : "all of";
	for (size_t i = 0; i < of->nparts; i++)
		of->parts[i] = turned(of->parts[i]);
	return of;
}

static struct ids *negation(struct ids *of)
{
	if (of && of->exact)
		return turned(of);
	ids_free(&of);
	return NULL;
}

static struct ids *comparison(struct planner *p, const struct condition_node *n)
{
	if (n->op == FILTER_NE)
		return negation(path(p, n, FILTER_EQ, 0));
	if (n->op == FILTER_EMPTY)
		return negation(path(p, n, FILTER_NOT_EMPTY, 0));
	return path(p, n, n->op, 0);
}

/* Stretches of the same index become one. */
static void add_part(struct ids *to, struct ids *part)
{
	to->exact = to->exact && part->exact;
	for (size_t i = 0; i < to->nparts && part->kind == IDS_RANGE; i++) {
		struct ids *have = to->parts[i];
		if (have->kind != IDS_RANGE || have->field != part->field)
			continue;
		plan_narrow(have, part);
		ids_free(&part);
		return;
	}
	ids_add(to, part);
}

static void add_conjunct(struct planner *p, int node, struct ids *to)
{
	const struct condition_node *n = &p->query->condition->nodes[node];
	struct ids *part;

	if (n->op == FILTER_AND) {
		add_conjunct(p, n->left, to);
		add_conjunct(p, n->right, to);
		return;
	}
	part = plan_node(p, node);
	if (part)
		add_part(to, part);
	else
		to->exact = !(p->unknown = true);
}

static struct ids *conjunction(struct planner *p, int node)
{
	struct ids *x = ids_new(IDS_AND, p->query->entity, "all of");

	x->exact = true;
	add_conjunct(p, node, x);
	if (x->nparts == 0)
		ids_free(&x);
	return x;
}

static struct ids *disjunction(struct planner *p, const struct condition_node *n)
{
	struct ids *left = plan_node(p, n->left), *right = left ? plan_node(p, n->right) : NULL;
	struct ids *x;

	if (!right) {
		ids_free(&left);
		return NULL;
	}
	x = ids_new(IDS_OR, left->entity, "any of");
	x->exact = left->exact && right->exact;
	if (left->kind == IDS_OR) {
		for (size_t i = 0; i < left->nparts; i++)
			ids_add(x, left->parts[i]);
		left->nparts = 0;
		ids_free(&left);
	} else {
		ids_add(x, left);
	}
	ids_add(x, right);
	return x;
}

struct ids *plan_node(struct planner *p, int node)
{
	const struct condition_node *n = &p->query->condition->nodes[node];

	switch (n->op) {
	case FILTER_AND:
		return conjunction(p, node);
	case FILTER_OR:
		return disjunction(p, n);
	case FILTER_NOT:
		return negation(plan_node(p, n->left));
	default:
		return comparison(p, n);
	}
}
