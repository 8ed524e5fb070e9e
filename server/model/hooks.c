/* The entities that are more than their rows. When a hook grows, ask which attribute of a field is missing. */
#include "server/model/computed.h"
#include "server/model/files.h"
#include <glib.h>

static const struct hooks *const all[] = { &customer_hooks, &contact_hooks, &activity_hooks,
	&task_hooks, &reminder_hooks, &user_hooks, &branch_hooks, &region_hooks, &portfolio_hooks,
	&role_hooks, &dictionary_hooks, &dictionary_entry_hooks, &setting_hooks,
	&custom_field_hooks, &lead_hooks, &opportunity_hooks, &product_hooks, &product_price_hooks,
	&sale_hooks, &contract_hooks, &payment_hooks, &sales_plan_hooks, &plan_line_hooks,
	&operating_record_hooks, &qualification_review_hooks, &document_hooks, &feedback_hooks,
	&article_hooks, &part_hooks, &part_movement_hooks, &survey_response_hooks,
	&points_entry_hooks, &message_hooks, &consent_hooks, &saved_filter_hooks, &campaign_hooks,
	&cadence_rule_hooks };

const struct hooks *hooks_of(const struct entity *entity)
{
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i]->entity == entity->number)
			return all[i];
	return NULL;
}

/* While it lay in the trash its computed fields were left alone, whatever happened to what they count. */
static enum status compute_anew(
	struct txn *t, const struct hooks *hooks, const struct stored *record, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, hooks->entity, record->id);
	s = hooks->compute(t, record, &c, e);
	if (!s)
		s = computed_write(&c, e);
	computed_release(&c);
	return s;
}

enum status model_after(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e)
{
	const struct hooks *hooks = hooks_of(entity);

	enum status s = files_after(t, entity, before, after, e);

	if (!s && hooks && hooks->after)
		s = hooks->after(t, author, entity, before, after, e);
	if (!s && hooks && hooks->compute && before && before->deleted && !after->deleted)
		s = compute_anew(t, hooks, after, e);
	return s;
}

enum status model_settle(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t id, struct error *e)
{
	const struct hooks *hooks = hooks_of(entity);
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s = STATUS_OK;

	if (hooks && hooks->settle && read_live(t, entity, id, &room, &r))
		s = hooks->settle(t, author, &r, e);
	buf_free(&room);
	return s;
}

size_t model_check_computed(struct txn *t, void (*report)(void *arg, const char *damage), void *arg)
{
	size_t bad = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i]->compute)
			bad += computed_check(t, all[i]->entity, all[i]->compute, report, arg);
	return bad;
}
