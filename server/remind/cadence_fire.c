/* A step of a rhythm is due: what is still owed is told, or the record goes back to the pool. */
#include "server/model/computed.h"
#include "server/model/draft.h"
#include "server/remind/cadence_tell.h"
#include "server/remind/fire.h"
#include "server/remind/whom.h"
#include "server/server.h"

/* One step that fires. */
struct step {
	struct call *call;
	struct lookup *lookup;
	const struct duty *duty;
	const struct stored *record;
	const struct due_row *row;
};

static void step_title(const struct step *s, uint64_t user, bool escalated, struct buf *out)
{
	const struct cadence_rule *rule = s->duty->rule;
	bool chinese = remind_chinese(s->call->txn, user);
	struct bytes name = model_text(rule->entity, s->record->fields, rule->entity->name_field);
	int late = date_to_days(zone_date(s->duty->zone, s->call->now_ms)) -
		   date_to_days(s->row->occurrence);

	buf_add_bytes(out, name.len ? name : bytes_str(rule->entity->zh));
	buf_printf(out, "%s%s", chinese ? ":" : ": ", chinese ? rule->zh : rule->en);
	if (escalated && late > 0) {
		buf_printf(out,
			chinese     ? "(逾期 %d 天)"
			: late == 1 ? " (%d day late)"
				    : " (%d days late)",
			late);
		return;
	}
	buf_add_str(out, chinese ? "(期限 " : " (due ");
	date_format(s->row->occurrence, out);
	buf_add_str(out, ")");
}

static const char *step_kind(const struct step *s)
{
	return s->duty->rule->rhythm == RHYTHM_SILENCE ? "churn" : "cadence";
}

static enum status step_tell(const struct step *s, uint64_t user, bool escalated, struct error *e)
{
	struct buf title = BUF_INIT;
	char source[64];
	struct telling w = { .call = s->call,
		.entity = s->duty->rule->entity,
		.record = s->record,
		.user = user,
		.source = source,
		.kind = step_kind(s),
		.row = s->row,
		.occurrence = s->row->occurrence };

	snprintf(source, sizeof source, "%s:%s", escalated ? "escalation" : "cadence",
		s->duty->rule->code);
	step_title(s, user, escalated, &title);
	w.title = buf_bytes(&title);
	enum status status = telling_tell(&w, e);
	buf_free(&title);
	return status;
}

/* Without an owner, as the server's own change of the record: an operation by itself, that names the rule. */
static enum status put_in_pool(const struct step *s, struct error *e)
{
	const struct cadence_rule *rule = s->duty->rule;
	struct call *c = s->call;
	const struct entity *entity = rule->entity;
	struct author author = c->author;
	struct model_write w = { .txn = c->txn,
		.author = &author,
		.scope = &scope_all,
		.lookup = s->lookup,
		.today = zone_date(s->duty->zone, c->now_ms),
		.entity = entity,
		.before = s->record,
		.id = s->record->id };
	uint32_t owner = entity_field_named(entity, entity->owner_field)->tag;
	struct buf reason = BUF_INIT, whole = BUF_INIT, checked = BUF_INIT;
	uint64_t id = s->record->id;

	buf_printf(&reason, "cadence_rule %s", rule->code);
	author.reason = buf_bytes(&reason);
	record_merge(s->record->fields, bytes_of("", 0), &owner, 1, &whole);
	enum status status = model_check(&w, buf_bytes(&whole), &checked, NULL);
	if (!status)
		status = store_put(
			c->txn, &author, entity, &id, "set", buf_bytes(&checked), NULL, e);
	else /* what else is wrong with it does not keep it from going */
		status = put_number(
			c->txn, &author, entity, s->record, entity->owner_field, 0, false, e);
	buf_free(&reason);
	buf_free(&whole);
	buf_free(&checked);
	return status;
}

static enum status step_pool(const struct step *s, struct error *e)
{
	const struct cadence_rule *rule = s->duty->rule;
	struct buf title = BUF_INIT;
	char source[64];
	bool chinese = remind_chinese(s->call->txn, s->duty->user);
	struct bytes name = model_text(rule->entity, s->record->fields, rule->entity->name_field);
	struct telling w = { .call = s->call,
		.entity = rule->entity,
		.record = s->record,
		.user = s->duty->user,
		.source = source,
		.kind = "pool",
		.row = s->row,
		.occurrence = s->row->occurrence };
	enum status status = put_in_pool(s, e);

	snprintf(source, sizeof source, "pool:%s", rule->code);
	buf_add_bytes(&title, name.len ? name : bytes_str(rule->entity->zh));
	buf_printf(&title, chinese ? ":%s,已退回公海" : ": %s, back in the pool",
		chinese ? rule->zh : rule->en);
	w.title = buf_bytes(&title);
	if (!status)
		status = telling_tell(&w, e);
	buf_free(&title);
	return status;
}

/* At a limit the superior is told; where nobody is above, who owes is told again. */
static enum status step_fire(const struct step *s, struct error *e)
{
	const struct cadence_rule *rule = s->duty->rule;
	bool last = s->row->nth + 1u == rule->nsteps;
	bool escalates = duty_escalates(rule, s->row->nth);
	uint64_t superior = escalates ? whom_above(s->call->txn, s->duty->user) : 0;
	enum status status = STATUS_OK;

	if (rule->rhythm == RHYTHM_STEPS && rule->to_pool && last)
		return step_pool(s, e);
	if (!superior || rule->rhythm != RHYTHM_PERIOD)
		status = step_tell(s, duty_user(s->call->txn, s->duty, s->record), false, e);
	if (!status && superior)
		status = step_tell(s, superior, true, e);
	return status;
}

/* Of the steps that were missed for long only the latest fires; those that lead to the pool all do, one after the other. */
static struct due_row latest_due(const struct duty *d, const struct due_row *first, int64_t now)
{
	struct due_row row = *first, next;

	while (d->rule->rhythm == RHYTHM_PERIOD && duty_next(d, row.instant, &next) &&
		next.instant <= now)
		row = next;
	return row;
}

static enum status fire_duty(const struct duty *d, struct step *s, struct error *e)
{
	int64_t now = s->call->now_ms;
	struct due_row first, row, next;
	bool some = duty_next(d, s->row->instant - 1, &first), more;
	enum status status;

	if (!some || first.instant > now)
		return plan_replace(
			s->call->txn, s->row->entity, s->row->id, s->row->tag, &first, some, e);
	row = latest_due(d, &first, now);
	more = duty_next(d, row.instant, &next);
	status =
		plan_replace(s->call->txn, s->row->entity, s->row->id, s->row->tag, &next, more, e);
	s->row = &row;
	return status ? status : step_fire(s, e);
}

enum status cadence_again(struct call *c, uint16_t tag, uint64_t id, struct error *e)
{
	struct cadence_rules *own = NULL;
	struct cadence_rules **cache = c->server->cadence ? c->server->cadence : &own;
	const struct cadence_rule *rule = cadence_rule_tagged(cadence_rules_of(cache, c->txn), tag);
	enum status s = rule ? cadence_plan(c->txn, &c->author, rule, id, false, e) : STATUS_OK;

	cadence_rules_free(&own);
	return s;
}

enum status cadence_fire(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e)
{
	struct cadence_rules *own = NULL;
	struct cadence_rules **cache = c->server->cadence ? c->server->cadence : &own;
	const struct cadence_rule *rule =
		cadence_rule_tagged(cadence_rules_of(cache, c->txn), row->tag);
	struct step step = { .call = c, .lookup = l, .row = row };
	struct buf room = BUF_INIT;
	struct stored record;
	struct duty duty;
	enum status s = STATUS_NOT_FOUND;

	if (rule && rule->entity->number == row->entity)
		s = store_get(c->txn, &scope_all, rule->entity, row->id, &room, &record, e);
	if (!s && duty_read(c->txn, rule, &record, &duty)) {
		step.duty = &duty;
		step.record = &record;
		s = fire_duty(&duty, &step, e);
	} else if (!s || s == STATUS_NOT_FOUND) {
		if (e)
			error_clear(e);
		s = plan_advance(c->txn, row, NULL, e);
	}
	buf_free(&room);
	cadence_rules_free(&own);
	return s;
}
