/*
 * Choosing the way: of the parts of a condition that all must be met, the one whose index gives the fewest records; else the index
 * of the scope, else that of the order, else all records.
 */
#include "server/store/plan.h"
#include <glib.h>

#define RANGES_MAX 8
#define SORT_INDEX_ABOVE                                                                           \
	500 /* more candidates than this are rather read in the order of the sort's index */

struct planner {
	struct txn *txn;
	const struct query *query;
	const struct order *order;
	struct plan *plan;
	struct source best; /* so far; estimate ESTIMATE_MAX + 1 stands for many */
	struct source ranges[RANGES_MAX];
	size_t nranges;
};

bool plan_sees_all(const struct query *q)
{
	return q->scope->all || (q->entity->flags & E_SHARED);
}

static bool is_indexed(const struct field *f)
{
	return (f->flags & F_INDEXED) && !(f->flags & F_VIRTUAL);
}

static bool has_ranges(const struct field *f)
{
	return is_indexed(f) && !key_is_hashed(f) && !type_is_list(f->type);
}

static bool by_id(const struct source *s)
{
	return s->kind != SOURCE_RANGE;
}

/* Keeps the better of two; the loser is freed. Between equals that by id wins, then the earlier one. */
static void consider(struct planner *p, struct source *s)
{
	struct source *loser = s;
	bool streams = by_id(s) && !by_id(&p->best) && p->order->n == 0;

	if (s->estimate < p->best.estimate || (s->estimate == p->best.estimate && streams)) {
		struct source old = p->best;
		p->best = *s;
		*s = old;
	}
	source_free(loser);
}

/* Lists of equal values. */

static bool single(const struct operand *o)
{
	return o->low.wire == WIRE_BYTES || o->low.number == o->high.number;
}

/* Adds the index lists of a leaf's values; false when an index cannot answer it. */
static bool add_lists(struct planner *p, const struct condition_node *n, int step, GArray *lists)
{
	const struct field *f = n->field[step];

	if ((n->op != FILTER_EQ && n->op != FILTER_IN) || !is_indexed(f))
		return false;
	for (size_t i = 0; i < n->noperands; i++) {
		struct key k;

		if (!single(&n->operands[i]) || lists->len == SOURCE_LISTS_MAX)
			return false;
		k = key_index_value(txn_store(p->txn), n->entity[step], f, &n->operands[i].low);
		g_array_append_val(lists, k);
	}
	return true;
}

/* A node that is a value or several joined by or. *field is whose index it is, for people. */
static bool add_union(struct planner *p, int at, GArray *lists, const struct field **field)
{
	const struct condition_node *n = &p->query->condition->nodes[at];

	if (n->op == FILTER_OR)
		return add_union(p, n->left, lists, field) && add_union(p, n->right, lists, field);
	if (n->npath != 1)
		return false;
	*field = n->field[0];
	return add_lists(p, n, 0, lists);
}

/* A text as long as a key may stand for others that start alike. */
static bool lists_certain(const GArray *lists)
{
	for (guint i = 0; i < lists->len; i++) {
		if (g_array_index(lists, struct key, i).len >= 4 + KEY_MAX)
			return false;
	}
	return true;
}

static void consider_lists(struct planner *p, GArray *lists, const struct field *f, size_t covers)
{
	struct source s = { .kind = SOURCE_LISTS, .field = f, .covers = covers };

	s.nlists = lists->len;
	s.lists = g_new(struct key, lists->len + 1);
	if (lists->len > 0)
		memcpy(s.lists, lists->data, lists->len * sizeof(struct key));
	s.estimate = source_estimate(p->txn, p->query->entity, &s);
	consider(p, &s);
}

static void consider_equal(struct planner *p, int at)
{
	GArray *lists = g_array_new(FALSE, FALSE, sizeof(struct key));
	const struct field *f = NULL;

	if (add_union(p, at, lists, &f))
		consider_lists(p, lists, f, lists_certain(lists));
	g_array_free(lists, TRUE);
}

/* Paths: from the value back to the records, a bounded set of ids at each step. */

static bool gather(struct txn *t, const struct entity *entity, const GArray *lists, GArray *ids)
{
	for (guint i = 0; i < lists->len; i++) {
		const struct key *prefix = &g_array_index(lists, struct key, i);
		struct walk *w;
		struct bytes key;

		if (walk_open(t, SPACE_IDX, key_bytes(prefix), &w, NULL))
			return false;
		while (ids->len <= SOURCE_IDS_MAX && walk_next(w, &key)) {
			uint64_t id = key_index_id(key);
			if (key.len == prefix->len + 8)
				g_array_append_val(ids, id);
		}
		walk_close(&w);
		if (ids->len > SOURCE_IDS_MAX)
			return false;
	}
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort_ids(GArray *ids)
{
	guint n = 0;

	g_array_sort(ids, compare_ids);
	for (guint i = 0; i < ids->len; i++) {
		if (n == 0 ||
			g_array_index(ids, uint64_t, n - 1) != g_array_index(ids, uint64_t, i))
			g_array_index(ids, uint64_t, n++) = g_array_index(ids, uint64_t, i);
	}
	g_array_set_size(ids, n);
}

/* The lists of the records that refer to one of ids by the field of a step. */
static void referring(struct planner *p, const struct condition_node *n, int at_step,
	const GArray *ids, GArray *lists)
{
	g_array_set_size(lists, 0);
	for (guint i = 0; i < ids->len; i++) {
		struct wire_field w = { .tag = n->field[at_step]->tag, .wire = WIRE_VARINT };
		struct key k;

		w.number = g_array_index(ids, uint64_t, i);
		k = key_index_value(txn_store(p->txn), n->entity[at_step], n->field[at_step], &w);
		g_array_append_val(lists, k);
	}
}

static bool walk_back(struct planner *p, const struct condition_node *n, GArray *lists, GArray *ids)
{
	if (!add_lists(p, n, n->npath - 1, lists))
		return false;
	for (int i = n->npath - 1; i >= 0; i--) {
		g_array_set_size(ids, 0);
		if (!gather(p->txn, n->entity[i], lists, ids))
			return false;
		sort_ids(ids);
		if (i > 0 && !is_indexed(n->field[i - 1]))
			return false;
		if (i > 0)
			referring(p, n, i - 1, ids, lists);
	}
	return true;
}

static void consider_path(struct planner *p, const struct condition_node *n)
{
	GArray *lists = g_array_new(FALSE, FALSE, sizeof(struct key));
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	if (walk_back(p, n, lists, ids)) {
		struct source s = { .kind = SOURCE_IDS, .field = n->field[0] };
		s.nids = ids->len;
		s.estimate = ids->len;
		s.ids = g_new(uint64_t, ids->len + 1);
		if (ids->len > 0)
			memcpy(s.ids, ids->data, ids->len * sizeof(uint64_t));
		consider(p, &s);
	}
	g_array_free(lists, TRUE);
	g_array_free(ids, TRUE);
}

/* ~ on a searched text: the index of search names the records. */
static void consider_contains(struct planner *p, const struct condition_node *n)
{
	GArray *ids = g_array_sized_new(FALSE, FALSE, sizeof(uint64_t), SOURCE_IDS_MAX);
	struct source s = { .kind = SOURCE_IDS, .field = n->field[0] };
	size_t found = 0;

	g_array_set_size(ids, SOURCE_IDS_MAX);
	if (!search_gather(p->txn, n->entity[0], n->field[0], n->operands->normal,
		    (uint64_t *)(void *)ids->data, SOURCE_IDS_MAX, &found)) {
		g_array_free(ids, TRUE);
		return;
	}
	g_array_set_size(ids, (guint)found);
	sort_ids(ids);
	s.estimate = s.nids = ids->len;
	s.ids = (uint64_t *)(void *)g_array_free(ids, FALSE);
	consider(p, &s);
}

/* Stretches of one index: the bounds of all parts that speak of the field together. */

static struct source whole_index(const struct entity *entity, const struct field *f)
{
	struct source s = { .kind = SOURCE_RANGE, .field = f };

	s.low = s.high = key_index(entity->number, f->tag);
	memset(s.high.data + s.high.len, 0xff, sizeof(s.high.data) - s.high.len);
	s.high.len = sizeof(s.high.data);
	return s;
}

static struct source *range_of(struct planner *p, const struct field *f)
{
	for (size_t i = 0; i < p->nranges; i++) {
		if (p->ranges[i].field == f)
			return &p->ranges[i];
	}
	if (p->nranges == RANGES_MAX)
		return NULL;
	p->ranges[p->nranges] = whole_index(p->query->entity, f);
	return &p->ranges[p->nranges++];
}

/* Before the first entry of the value, or behind its last one. */
static struct key edge(
	struct planner *p, const struct field *f, const struct wire_field *w, bool behind)
{
	struct key k = key_index_value(txn_store(p->txn), p->query->entity, f, w);

	key_add_u64(&k, behind ? UINT64_MAX : 0);
	return k;
}

static void raise_low(struct source *s, struct key k)
{
	if (bytes_compare(key_bytes(&k), key_bytes(&s->low)) > 0)
		s->low = k;
}

static void sink_high(struct source *s, struct key k)
{
	if (bytes_compare(key_bytes(&k), key_bytes(&s->high)) < 0)
		s->high = k;
}

/*
 * A name with a corrected reading stands in the index twice, for equality and for its place in the order: no stretches of such an index.
 * For texts an open end takes the value's own entries in: keys may be cut, the record decides.
 */
static void add_range(struct planner *p, const struct condition_node *n)
{
	const struct field *f = n->field[0];
	const struct operand *o = n->operands;
	bool open = type_is_number(f->type);
	struct source *s;

	if (!has_ranges(f) || entity_field_reading(n->entity[0], f) || n->op == FILTER_NE ||
		n->op == FILTER_IN || n->op == FILTER_CONTAINS || n->op == FILTER_EMPTY)
		return;
	s = range_of(p, f);
	if (!s)
		return;
	if (n->op == FILTER_GE || n->op == FILTER_EQ)
		raise_low(s, edge(p, f, &o->low, false));
	if (n->op == FILTER_GT)
		raise_low(s, edge(p, f, &o->high, open));
	if (n->op == FILTER_LE || n->op == FILTER_EQ)
		sink_high(s, edge(p, f, &o->high, true));
	if (n->op == FILTER_LT)
		sink_high(s, edge(p, f, &o->low, !open));
	s->covers += open || n->op == FILTER_NOT_EMPTY;
}

/* Ids. */

static uint64_t id_of(const struct wire_field *w)
{
	int64_t v = unzigzag(w->number);

	return v < 0 ? 0 : (uint64_t)v;
}

static void consider_ids(struct planner *p, const struct condition_node *n)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	struct source s = { .kind = SOURCE_IDS, .field = n->field[0] };

	for (size_t i = 0; i < n->noperands; i++) {
		uint64_t id = id_of(&n->operands[i].low);
		g_array_append_val(ids, id);
	}
	sort_ids(ids);
	s.estimate = s.nids = ids->len;
	s.ids = (uint64_t *)(void *)g_array_free(ids, FALSE);
	consider(p, &s);
}

static void consider_id(struct planner *p, const struct condition_node *n)
{
	struct source s = { .kind = SOURCE_ALL,
		.field = n->field[0],
		.id_high = UINT64_MAX,
		.estimate = ESTIMATE_MAX + 1 };

	if (n->op == FILTER_EQ || n->op == FILTER_IN) {
		consider_ids(p, n);
		return;
	}
	if (n->op == FILTER_GE || n->op == FILTER_GT)
		s.id_low = id_of(&n->operands->low);
	else if (n->op == FILTER_LE || n->op == FILTER_LT)
		s.id_high = id_of(&n->operands->low);
	else
		return;
	s.estimate = source_estimate(p->txn, p->query->entity, &s);
	consider(p, &s);
}

/* The condition's parts. */

static void visit(struct planner *p, int at)
{
	const struct condition_node *n = &p->query->condition->nodes[at];

	if (n->op == FILTER_AND) {
		visit(p, n->left);
		visit(p, n->right);
		return;
	}
	p->plan->parts++;
	if (n->op == FILTER_OR) {
		consider_equal(p, at);
	} else if (n->op == FILTER_NOT) {
		return;
	} else if (n->npath > 1) {
		consider_path(p, n);
	} else if (n->op == FILTER_CONTAINS) {
		consider_contains(p, n);
	} else if (n->field[0]->tag == TAG_ID) {
		consider_id(p, n);
	} else {
		consider_equal(p, at);
		add_range(p, n);
	}
}

static void consider_ranges(struct planner *p)
{
	for (size_t i = 0; i < p->nranges; i++) {
		struct source s = p->ranges[i];
		s.estimate = source_estimate(p->txn, p->query->entity, &s);
		p->ranges[i].estimate = s.estimate;
		if (s.estimate <= ESTIMATE_MAX)
			consider(p, &s);
	}
}

static void add_scope_list(const struct query *q, struct source *s, unsigned tag, uint64_t value)
{
	unsigned trash = q->trash ? KEY_TRASHED : 0;

	if (value && s->nlists < SOURCE_LISTS_MAX)
		s->lists[s->nlists++] =
			key_scope_value(q->entity->number, (uint16_t)(tag | trash), value);
}

/* False when the scope's lists are too many to be walked together. */
static bool scope_source(const struct query *q, struct source *s)
{
	*s = (struct source){ .kind = SOURCE_LISTS };
	if (plan_sees_all(q) || q->scope->nbranches + 3 > SOURCE_LISTS_MAX)
		return false;
	s->lists = g_new(struct key, SOURCE_LISTS_MAX);
	if (q->scope->own) {
		add_scope_list(q, s, KEY_SCOPE_OWNER, q->scope->user);
		add_scope_list(q, s, KEY_SCOPE_SEEN, q->scope->user);
	}
	for (size_t i = 0; i < q->scope->nbranches; i++)
		add_scope_list(q, s, KEY_SCOPE_BRANCH, q->scope->branches[i]);
	add_scope_list(q, s, KEY_SCOPE_POOL, q->scope->pool_branch);
	return true;
}

static void consider_scope(struct planner *p)
{
	struct source s;

	if (!scope_source(p->query, &s))
		return;
	s.estimate = source_estimate(p->txn, p->query->entity, &s);
	consider(p, &s);
}

static void consider_trash(struct planner *p)
{
	const struct field *f = entity_field_by_tag(p->query->entity, TAG_DELETED_AT);
	struct source s;

	if (!p->query->trash || !f || !has_ranges(f))
		return;
	s = whole_index(p->query->entity, f);
	s.estimate = source_estimate(p->txn, p->query->entity, &s);
	consider(p, &s);
}

/* The index of the field by which rows are sorted, if it can give them in that order. */
static const struct field *sort_index(const struct query *q, const struct order *o)
{
	const struct field *f = o->n == 1 ? o->keys[0].field : NULL;

	if (!f || !has_ranges(f) || (q->trash && f->tag != TAG_DELETED_AT))
		return NULL;
	return f;
}

static bool always_set(const struct field *f)
{
	return (f->flags & F_REQUIRED) || f->tag == TAG_CREATED_AT || f->tag == TAG_UPDATED_AT;
}

/* Walks the sort's index, within what the condition says of that field. */
static void use_sort_index(struct planner *p, const struct field *f)
{
	struct source range = whole_index(p->query->entity, f);

	range.estimate = ESTIMATE_MAX + 1;
	p->plan->then_unset = !always_set(f) && !p->query->trash;
	for (size_t i = 0; i < p->nranges; i++) {
		if (p->ranges[i].field == f) {
			range = p->ranges[i];
			p->plan->then_unset = false;
		}
	}
	if (p->plan->then_unset) {
		p->plan->rest = p->best;
		p->best = (struct source){ 0 };
		if (!by_id(&p->plan->rest)) {
			source_free(&p->plan->rest);
			p->plan->rest =
				(struct source){ .kind = SOURCE_ALL, .id_high = UINT64_MAX };
		}
	}
	source_free(&p->best);
	p->best = range;
	p->plan->streaming = true;
}

static void choose(struct planner *p)
{
	const struct field *f = sort_index(p->query, p->order);
	bool same = f && p->best.kind == SOURCE_RANGE && p->best.field == f;

	if (f && (same || p->best.estimate > SORT_INDEX_ABOVE))
		use_sort_index(p, f);
	else
		p->plan->streaming = p->order->n == 0 && by_id(&p->best);
	p->plan->source = p->best;
}

enum status plan_make(struct txn *t, const struct query *q, const struct order *order,
	struct plan *out, struct error *e)
{
	struct planner p = { .txn = t, .query = q, .order = order, .plan = out };
	const struct condition *c = q->condition;

	*out = (struct plan){ 0 };
	p.best = (struct source){
		.kind = SOURCE_ALL, .id_high = UINT64_MAX, .estimate = ESTIMATE_MAX + 2
	};
	if (c && c->root >= 0 && !q->trash) {
		visit(&p, c->root);
		consider_ranges(&p);
	} else if (c && c->root >= 0) {
		out->parts = 1;
	}
	consider_scope(&p);
	consider_trash(&p);
	choose(&p);
	return STATUS_OK;
}

void plan_free(struct plan *p)
{
	source_free(&p->source);
	source_free(&p->rest);
}

/* In words. */

static void explain_source(const struct source *s, bool count, struct buf *out)
{
	static const char *const kinds[] = { "records in the order of their ids",
		"index lists of equal values", "records named by an index", "stretch of an index" };

	if (s->kind == SOURCE_LISTS && !s->field)
		buf_add_str(out, "index of what the caller may see");
	else
		buf_add_str(out, kinds[s->kind]);
	if (s->field)
		buf_printf(out, ": %s", s->field->name);
	if (s->estimate > ESTIMATE_MAX || s->kind == SOURCE_ALL)
		buf_add_str(out, ", many records");
	else if (count) /* an index counts rows that the caller must not learn of */
		buf_printf(out, ", %zu records", s->estimate);
}

void plan_explain(
	const struct plan *p, const struct query *q, const struct order *order, struct buf *out)
{
	buf_clear(out);
	buf_add_str(out, "read: ");
	explain_source(&p->source, plan_sees_all(q), out);
	buf_add_str(out, "\norder: ");
	if (p->streaming)
		buf_add_str(out, "as read");
	else
		buf_printf(out, "the best %u of all that are read", q->limit);
	if (order->n > 0)
		buf_printf(out, ", by %s%s", order->keys[0].field->name,
			order->n > 1 ? " and more" : "");
	if (p->then_unset)
		buf_add_str(out, ", then those without a value");
	buf_printf(out, "\nscope: %s\n",
		plan_sees_all(q)                                     ? "all"
		: p->source.kind == SOURCE_LISTS && !p->source.field ? "read by it"
								     : "checked on each record");
}
