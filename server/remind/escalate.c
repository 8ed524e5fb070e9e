#include "server/remind/escalate.h"
#include "server/model/computed.h"
#include "server/remind/cadence_tell.h"
#include "server/remind/whom.h"

static bool state_is(
	struct lookup *l, const struct entity *entity, const struct stored *s, const char *code)
{
	return s && !s->deleted &&
	       !strcmp(lookup_code(l, model_number(entity, s->fields, "state")), code);
}

static bool kind_escalates(const char *kind)
{
	return !strcmp(kind, "cadence") || !strcmp(kind, "case") || !strcmp(kind, "plan");
}

/* Days after which it escalates; 0: never. */
static long days_of(struct lookup *l, const struct entity *entity, const struct stored *s)
{
	const struct field *days = entity_field_named(entity, "escalate_after_days");
	struct bytes source = model_text(entity, s->fields, "source_rule");
	const char *kind = lookup_code(l, model_number(entity, s->fields, "reminder_kind"));

	if (bytes_starts(source, bytes_str("escalation:")) ||
		bytes_starts(source, bytes_str("pool:")))
		return 0;
	if (record_has(s->fields, days->tag))
		return (long)record_signed(s->fields, days->tag);
	if (kind_escalates(kind) || model_number(entity, s->fields, "escalate_to"))
		return lookup_setting_number(l, "reminder.escalate_days");
	return 0;
}

static enum status plan(struct txn *t, struct lookup *l, const struct entity *entity,
	const struct stored *s, struct error *e)
{
	long days = state_is(l, entity, s, "fired") ? days_of(l, entity, s) : 0;
	uint64_t user = model_number(entity, s->fields, "user");
	int64_t fired = unzigzag(model_number(entity, s->fields, "last_fired_at"));
	struct due_row row = { .entity = entity->number,
		.id = s->id,
		.tag = PLAN_ESCALATE,
		.occurrence = (civil_date)model_number(entity, s->fields, "occurrence"),
		.user = user };
	const struct zone *zone;

	if (days > 0) {
		zone = user_zone(t, user);
		row.instant = zone_instant(zone, date_add_days(zone_date(zone, fired), (int)days),
			zone_minute(zone, fired));
	}
	return plan_replace(t, entity->number, s->id, PLAN_ESCALATE, &row, days > 0, e);
}

/* What stands for the superior of a reminder that is no longer open. */
struct closing {
	struct txn *t;
	struct lookup *l;
	const struct author *author;
	const struct entity *reminders;
	char source[48];
};

static enum status close_one(void *arg, const struct stored *s, struct error *e)
{
	struct closing *c = arg;

	if (!bytes_equal_str(model_text(c->reminders, s->fields, "source_rule"), c->source) ||
		(!state_is(c->l, c->reminders, s, "fired") &&
			!state_is(c->l, c->reminders, s, "snoozed")))
		return STATUS_OK;
	return put_number(c->t, c->author, c->reminders, s, "state",
		lookup_entry(c->l, "reminder_state", "finished"), false, e);
}

/* The record that the escalation names: what the reminder is about, or the reminder. */
static uint64_t about(const struct entity *entity, const struct stored *s)
{
	uint64_t record = model_number(entity, s->fields, "record");

	return record ? record : any_ref(entity->number, s->id);
}

enum status escalate_follow(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct closing c = { t, l, author, entity, "" };
	bool was = state_is(l, entity, before, "fired"), is = state_is(l, entity, after, "fired");
	enum status s = was || is ? plan(t, l, entity, after, e) : STATUS_OK;

	if (s || !was || is || !days_of(l, entity, after))
		return s;
	snprintf(c.source, sizeof c.source, "escalation:#%llu", (unsigned long long)after->id);
	return each_of(t, entity, "record", about(entity, after), close_one, &c, e);
}

/* Firing */

static void source_of(const struct entity *entity, const struct stored *s, char out[64])
{
	struct bytes source = model_text(entity, s->fields, "source_rule");
	struct bytes rhythm = bytes_str("cadence:");

	if (bytes_starts(source, rhythm))
		snprintf(out, 64, "escalation:%.*s", (int)(source.len - rhythm.len),
			(const char *)source.data + rhythm.len);
	else
		snprintf(out, 64, "escalation:#%llu", (unsigned long long)s->id);
}

/* A reminder that is due to escalate. */
struct escalation {
	struct call *call;
	struct lookup *l;
	const struct entity *reminders;
	const struct stored *reminder;
	const struct due_row *row;
};

static enum status tell_above(const struct escalation *x, uint64_t user, struct error *e)
{
	struct call *c = x->call;
	const struct entity *reminders = x->reminders;
	const struct stored *reminder = x->reminder;
	const struct due_row *row = x->row;
	uint64_t ref = about(reminders, reminder);
	const struct entity *en = schema_entity_by_number(c->schema, any_ref_entity(ref));
	int64_t fired = unzigzag(model_number(reminders, reminder->fields, "last_fired_at"));
	const struct zone *zone = user_zone(c->txn, row->user);
	int days = date_to_days(zone_date(zone, c->now_ms)) - date_to_days(zone_date(zone, fired));
	struct buf title = BUF_INIT, room = BUF_INIT;
	struct stored record = *reminder;
	char kind[48], source[64];

	if (!en || store_get(c->txn, &scope_all, en, any_ref_id(ref), &room, &record, NULL)) {
		en = reminders;
		record = *reminder;
	}
	snprintf(kind, sizeof kind, "%s",
		lookup_code(x->l, model_number(reminders, reminder->fields, "reminder_kind")));
	source_of(reminders, reminder, source);
	buf_add_bytes(&title, model_text(reminders, reminder->fields, "title"));
	buf_printf(&title,
		remind_chinese(c->txn, user) ? "(%d 天未确认)" : " (unacknowledged for %d days)",
		days);
	enum status s = telling_tell(&(struct telling){ .call = c,
					     .entity = en,
					     .record = &record,
					     .user = user,
					     .source = source,
					     .kind = kind,
					     .title = buf_bytes(&title),
					     .row = row,
					     .occurrence = row->occurrence },
		e);
	buf_free(&title);
	buf_free(&room);
	return s;
}

static uint64_t above(struct txn *t, const struct entity *entity, const struct stored *s)
{
	static const struct field named = { .name = "", .remind_user = "escalate_to" };
	uint64_t user = model_number(entity, s->fields, "user");

	if (model_number(entity, s->fields, "escalate_to"))
		return remind_user_of(t, entity, &named, s);
	return whom_above(t, user);
}

enum status escalate_fire(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e)
{
	const struct entity *entity = schema_entity_by_number(c->schema, ENTITY_REMINDER);
	struct buf room = BUF_INIT;
	struct stored s;
	uint64_t user;
	enum status status = plan_advance(c->txn, row, NULL, e);

	if (!status && row->entity == ENTITY_REMINDER &&
		!store_get(c->txn, &scope_all, entity, row->id, &room, &s, NULL) &&
		state_is(l, entity, &s, "fired") && days_of(l, entity, &s) > 0 &&
		(user = above(c->txn, entity, &s)) != 0)
		status = tell_above(&(struct escalation){ c, l, entity, &s, row }, user, e);
	buf_free(&room);
	return status;
}
