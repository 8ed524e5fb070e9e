/* What is special to sales plans, monthly records of customers and reviews. */
#include "server/model/amount.h"
#include "server/model/draft.h"
#include "server/model/ledger.h"
#include "server/model/sales.h"

/* Sales plans: the sums of their lines */

struct plan_sum {
	const struct entity *line;
	uint64_t version;
	uint64_t order[3]; /* kinds of lines, the most final first */
	size_t kind;       /* the most final one that is there; 3: none */
	int64_t amount[3], volume[3];
};

static enum status plan_seen(void *arg, const struct stored *record, struct error *e)
{
	struct plan_sum *p = arg;
	uint64_t kind = model_number(p->line, record->fields, "plan_line_kind");
	size_t i = 0;

	if (model_number(p->line, record->fields, "plan_version") != p->version)
		return STATUS_OK;
	while (i < 3 && p->order[i] != kind)
		i++;
	if (i == 3)
		return STATUS_OK;
	p->kind = i < p->kind ? i : p->kind;
	p->amount[i] =
		amount_add(p->amount[i], unzigzag(model_number(p->line, record->fields, "amount")));
	p->volume[i] =
		amount_add(p->volume[i], unzigzag(model_number(p->line, record->fields, "volume")));
	return STATUS_OK;
}

static enum status plan_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	struct plan_sum p = { .line = model_entity(t, ENTITY_PLAN_LINE),
		.version = model_number(out->entity, record->fields, "current_version"),
		.order = { entry_id(t, "plan_line_kind.approved"),
			entry_id(t, "plan_line_kind.draft"),
			entry_id(t, "plan_line_kind.forecast") },
		.kind = 3 };
	enum status s = each_of(t, p.line, "plan", record->id, plan_seen, &p, e);

	computed_money(out, "amount", p.kind < 3 ? p.amount[p.kind] : 0);
	computed_money(out, "volume", p.kind < 3 ? p.volume[p.kind] : 0);
	return s;
}

static enum status plan_write(struct txn *t, uint64_t id, struct error *e)
{
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	enum status s = STATUS_OK;

	if (read_live(t, model_entity(t, ENTITY_SALES_PLAN), id, &room, &r)) {
		computed_init(&c, t, ENTITY_SALES_PLAN, id);
		s = plan_compute(t, &r, &c, e);
		if (!s)
			s = computed_write(&c, e);
	}
	buf_free(&room);
	return s;
}

static void plan_prepare(struct draft *d)
{
	char title[64];

	if (draft_has(d, "title") || !draft_has(d, "plan_year"))
		return;
	g_snprintf(title, sizeof title, "%lld年销售计划",
		(long long)unzigzag(draft_number(d, "plan_year")));
	draft_set_text(d, "title", bytes_str(title));
}

static enum status plan_deletable(const struct model_write *w, struct error *e)
{
	const char *state =
		lookup_code(w->lookup, model_number(w->entity, w->before->fields, "state"));

	if (!strcmp(state, "approved") || !strcmp(state, "archived"))
		return error_reason(
			e, STATUS_INVALID, "in_use", "a plan that is %s cannot be deleted", state);
	return STATUS_OK;
}

static enum status plan_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	return after->deleted ? STATUS_OK : plan_write(t, after->id, e);
}

static enum status line_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, "plan") : 0;
	uint64_t new = model_number(entity, after->fields, "plan");
	enum status s = plan_write(t, new, e);

	return s || !old || old == new ? s : plan_write(t, old, e);
}

const struct hooks sales_plan_hooks = { .entity = ENTITY_SALES_PLAN,
	.prepare = plan_prepare,
	.after = plan_after,
	.compute = plan_compute,
	.deletable = plan_deletable };
const struct hooks plan_line_hooks = { .entity = ENTITY_PLAN_LINE, .after = line_after };

/* Monthly records */

uint64_t sales_month(struct bytes text)
{
	struct buf day = BUF_INIT;
	civil_date date = 0;

	buf_add_bytes(&day, text);
	buf_add_str(&day, "-01");
	if (text.len != 7 || !date_parse(buf_bytes(&day), &date))
		date = 0;
	buf_free(&day);
	return (uint64_t)date / 100;
}

static void propose(struct draft *d, const char *field, int64_t v)
{
	if (!draft_has(d, field) && !draft_is_bad(d, field))
		draft_set_number(d, field, zigzag(v));
}

/* A new one proposes the figures of its month. */
static void month_prepare(struct draft *d)
{
	uint64_t month = sales_month(draft_text(d, "month"));
	int64_t orders, amount, volume;

	if (draft_changed(d, "credit_assessment") && draft_has(d, "credit_assessment") &&
		!draft_changed(d, "assessed_by") && d->w->user)
		draft_set_number(d, "assessed_by", d->w->user);
	if (d->w->before || !month || !draft_has(d, "customer"))
		return;
	d->failed = ledger_month_sales(
		d->w->txn, draft_number(d, "customer"), month, &orders, &amount, &volume, d->e);
	propose(d, "order_count", orders);
	propose(d, "sale_amount", amount);
	propose(d, "sale_volume", volume);
}

static void month_check(struct draft *d)
{
	if (draft_has(d, "month") && !sales_month(draft_text(d, "month")))
		draft_bad(d, "month", "is not a month such as 2026-11");
}

static enum status month_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	struct ledger l;
	enum status s =
		ledger_load(&l, t, model_number(out->entity, record->fields, "customer"), e);

	if (!s)
		ledger_month(
			&l, sales_month(model_text(out->entity, record->fields, "month")), out);
	ledger_release(&l);
	return s;
}

static enum status month_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct computed c;
	enum status s;

	if (after->deleted)
		return STATUS_OK;
	computed_init(&c, t, ENTITY_OPERATING_RECORD, after->id);
	s = month_compute(t, after, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status month_deletable(const struct model_write *w, struct error *e)
{
	if (model_number(w->entity, w->before->fields, "confirmed"))
		return error_reason(e, STATUS_INVALID, "in_use",
			"an operating record that is confirmed cannot be deleted");
	return STATUS_OK;
}

const struct hooks operating_record_hooks = { .entity = ENTITY_OPERATING_RECORD,
	.prepare = month_prepare,
	.check = month_check,
	.after = month_after,
	.compute = month_compute,
	.deletable = month_deletable };

/* Reviews */

#define VALID_MONTHS 12

static void review_prepare(struct draft *d)
{
	civil_date decided = (civil_date)draft_number(d, "decided_on");

	if (decided && draft_changed(d, "decided_on") && !draft_changed(d, "valid_until"))
		draft_set_number(d, "valid_until",
			(uint64_t)date_add_months(decided, VALID_MONTHS, date_day(decided)));
}

struct latest_review {
	const struct entity *review;
	uint64_t decided, rating;
};

static enum status review_seen(void *arg, const struct stored *record, struct error *e)
{
	struct latest_review *l = arg;
	uint64_t decided = model_number(l->review, record->fields, "decided_on");
	uint64_t rating = model_number(l->review, record->fields, "final_rating");

	if (rating && decided >= l->decided) {
		l->decided = decided;
		l->rating = rating;
	}
	return STATUS_OK;
}

enum status reviews_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e)
{
	struct latest_review l = { .review = model_entity(t, ENTITY_QUALIFICATION_REVIEW) };
	enum status s = each_of(t, l.review, "customer", customer, review_seen, &l, e);

	computed_number(out, "qualification_rating", l.rating);
	return s;
}

static enum status rating_write(struct txn *t, uint64_t customer, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_CUSTOMER, customer);
	s = reviews_compute_customer(t, customer, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status review_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, "customer") : 0;
	uint64_t new = model_number(entity, after->fields, "customer");
	enum status s = rating_write(t, new, e);

	return s || !old || old == new ? s : rating_write(t, old, e);
}

const struct hooks qualification_review_hooks = {
	.entity = ENTITY_QUALIFICATION_REVIEW, .prepare = review_prepare, .after = review_after
};
