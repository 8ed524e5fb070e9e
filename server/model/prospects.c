/* What is special to leads and opportunities. */
#include "server/model/amount.h"
#include "server/model/draft.h"

/* Leads */

static void lead_prepare(struct draft *d)
{
	draft_follow_owner(d);
	if (!draft_changed(d, "owner"))
		return;
	if (draft_has(d, "owner"))
		draft_set_number(d, "assigned_at", zigzag(d->w->author->now_ms));
	else
		draft_clear(d, "assigned_at");
}

static void lead_check(struct draft *d)
{
	if (d->w->user && draft_before(d, "converted_at"))
		draft_bad(d, "converted_at", "is set: a converted lead is read-only");
	if (d->w->user && draft_changed(d, "status") &&
		!strcmp(draft_code(d, "status"), "converted"))
		draft_bad(d, "status", "is set by the conversion");
}

static enum status lead_deletable(const struct model_write *w, struct error *e)
{
	if (model_number(w->entity, w->before->fields, "converted_at"))
		return error_reason(
			e, STATUS_INVALID, "in_use", "a converted lead cannot be deleted");
	return STATUS_OK;
}

const struct hooks lead_hooks = { .entity = ENTITY_LEAD,
	.prepare = lead_prepare,
	.check = lead_check,
	.compute = work_compute_lead,
	.deletable = lead_deletable };

/* Opportunities */

static const struct entry *stage_of(const struct draft *d)
{
	return lookup_entry_of(d->w->lookup, draft_number(d, "stage"));
}

/* The stage's own, unless it is set in the same write. */
static void default_probability(struct draft *d, const struct entry *stage)
{
	const struct field *f = entity_field_named(d->w->entity, "probability");
	struct parse_context ctx = lookup_parse_context(d->w->lookup, d->w->today, NULL);
	struct bytes text = attribute(stage->attributes, "probability");
	struct buf wire = BUF_INIT;

	if (!text.len || draft_is_bad(d, "probability") ||
		(draft_has(d, "probability") && (!d->w->before || draft_changed(d, "probability"))))
		return;
	if (!type_parse(f, text, &ctx, &wire, d->e))
		draft_set_number(d, "probability", record_number(buf_bytes(&wire), f->tag));
	buf_free(&wire);
}

static void opportunity_prepare(struct draft *d)
{
	const struct entry *stage = stage_of(d);

	if (!stage || !draft_changed(d, "stage"))
		return;
	default_probability(d, stage);
	draft_set_number(d, "stage_since", zigzag(d->w->author->now_ms));
	if (bytes_equal_str(attribute(stage->attributes, "closed"), "yes"))
		draft_set_number(d, "closed_on", (uint64_t)d->w->today);
	else
		draft_clear(d, "closed_on");
}

static void opportunity_check(struct draft *d)
{
	const struct entry *stage = stage_of(d);
	bool closed = stage && bytes_equal_str(attribute(stage->attributes, "closed"), "yes");

	if (closed && !draft_has(d, "close_reason"))
		draft_bad(d, "close_reason", "is missing: stage %s needs it", stage->code);
}

static void own_computed(const struct stored *record, struct computed *out)
{
	const struct entity *en = out->entity;
	int64_t weighted = 0;

	amount_times(unzigzag(model_number(en, record->fields, "expected_amount")),
		unzigzag(model_number(en, record->fields, "probability")), &weighted);
	computed_money(out, "weighted_amount", weighted);
}

static enum status opportunity_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	own_computed(record, out);
	return work_compute_opportunity(t, record, out, e);
}

static enum status opportunity_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct computed c;

	if (after->deleted)
		return STATUS_OK;
	computed_init(&c, t, ENTITY_OPPORTUNITY, after->id);
	own_computed(after, &c);
	return computed_write(&c, e);
}

const struct hooks opportunity_hooks = { .entity = ENTITY_OPPORTUNITY,
	.prepare = opportunity_prepare,
	.check = opportunity_check,
	.after = opportunity_after,
	.compute = opportunity_compute };
