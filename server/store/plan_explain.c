/* A plan in words, for --explain: what is read, in which order, what is checked on the records. */
#include "server/store/plan.h"

static void indent(size_t depth, struct buf *out)
{
	for (size_t i = 0; i < depth; i++)
		buf_add_str(out, "  ");
}

/* An index counts rows that the caller must not learn of. */
static void explain_size(const struct ids *x, bool count, struct buf *out)
{
	if (count)
		buf_printf(out, ", about %.0f records", x->size);
	buf_add_str(out, "\n");
}

static void explain_ids(const struct ids *x, bool count, size_t depth, struct buf *out)
{
	while (x->kind == IDS_AND && x->nparts == 1)
		x = x->parts[0];
	indent(depth, out);
	buf_add_str(out, x->told);
	if (x->field)
		buf_printf(out, ": %s", x->field->name);
	if (x->kind == IDS_OR && x->nparts > 8) {
		buf_printf(out, " %zu sets", x->nparts);
		explain_size(x, count, out);
		return;
	}
	explain_size(x, count && x->kind != IDS_NOT, out);
	for (size_t i = 0; i < x->nparts; i++)
		explain_ids(x->parts[i], count, depth + 1, out);
}

static void explain_order(
	const struct plan *p, const struct query *q, const struct order *order, struct buf *out)
{
	static const char *const ways[] = {
		[WAY_IDS] = "as read",
		[WAY_INDEX] = "along the index",
		[WAY_GROUPS] = "along the index, equal ones sorted",
		[WAY_BEST] = "all that are read are sorted",
		[WAY_PLACES] = "sorted by their places in the index",
	};

	buf_printf(out, "order: %s", ways[p->way]);
	for (size_t i = 0; i < order->n; i++)
		buf_printf(out, "%s%s%s", i ? ", " : ", by ", order->keys[i].descending ? "-" : "",
			order->keys[i].field->name);
	buf_printf(out, "%s\n", p->then_unset ? ", then those without a value" : "");
}

void plan_explain(
	const struct plan *p, const struct query *q, const struct order *order, struct buf *out)
{
	bool count = plan_sees_all(q);

	buf_clear(out);
	buf_add_str(out, "read:\n");
	if (p->stretch)
		explain_ids(p->stretch, count, 1, out);
	if (p->ids && p->ids->nparts > 0)
		explain_ids(p->ids, count, 1, out);
	if (!p->counts)
		explain_order(p, q, order, out);
	buf_printf(out, "records: %s\n",
		p->exact && p->counts ? "not read"
		: p->exact            ? "read for the page alone"
				      : "each candidate is read and checked");
	if (p->scans)
		buf_add_str(out, "scan: no index answers a part of the filter\n");
}
