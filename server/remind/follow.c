#include "server/remind/follow.h"
#include "common/clock.h"
#include "server/model/computed.h"
#include "server/remind/escalate.h"
#include "server/remind/mail.h"
#include "server/remind/whom.h"
#include "server/store/log.h"

#define PAGE 128

static bool state_is(
	struct lookup *l, const struct entity *entity, const struct stored *s, const char *code)
{
	return strcmp(lookup_code(l, model_number(entity, s->fields, "state")), code) == 0;
}

/* The firing puts its row itself: it knows the due time. */
static bool is_firing(
	const struct entity *entity, const struct stored *before, const struct stored *after)
{
	int64_t was = before ? unzigzag(model_number(entity, before->fields, "last_fired_at")) : 0;

	return unzigzag(model_number(entity, after->fields, "last_fired_at")) > was;
}

static enum status take_out(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t user, uint64_t reminder, struct error *e)
{
	uint64_t seq;
	enum status s = log_append(t, author, LOG_CLEARED, entity, reminder, 0, NULL, &seq, e);

	return s ? s : whom_clear(t, author, user, reminder, seq, e);
}

static enum status put_in(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t user, const struct stored *reminder, struct error *e)
{
	uint64_t about = model_number(entity, reminder->fields, "record");
	struct inbox_row row = { .kind = INBOX_REMINDER,
		.late = true,
		.reminder = reminder->id,
		.due_ms = unzigzag(model_number(entity, reminder->fields, "last_fired_at")),
		.fired_ms = author->now_ms,
		.fired_real_us = real_ms() * 1000,
		.occurrence = (civil_date)model_number(entity, reminder->fields, "occurrence"),
		.subject_entity = any_ref_entity(about),
		.subject_id = any_ref_id(about) };
	enum status s =
		log_append(t, author, LOG_FIRED, entity, reminder->id, 0, NULL, &row.seq, e);

	return s ? s : whom_deliver(t, author, user, &row, e);
}

static enum status plan_snooze(struct txn *t, struct lookup *l, const struct entity *entity,
	const struct stored *after, struct error *e)
{
	struct due_row row = { .instant = unzigzag(
				       model_number(entity, after->fields, "snoozed_until")),
		.entity = ENTITY_REMINDER,
		.id = after->id,
		.tag = PLAN_SNOOZE,
		.occurrence = (civil_date)model_number(entity, after->fields, "occurrence"),
		.user = model_number(entity, after->fields, "user") };
	bool asleep = !after->deleted && row.instant && state_is(l, entity, after, "snoozed");

	return plan_replace(t, ENTITY_REMINDER, after->id, PLAN_SNOOZE, &row, asleep, e);
}

enum status follow_reminder(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t user = model_number(entity, after->fields, "user");
	uint64_t was_user = before ? model_number(entity, before->fields, "user") : 0;
	bool open = !after->deleted && state_is(l, entity, after, "fired");
	bool snoozed = !after->deleted && state_is(l, entity, after, "snoozed");
	bool was_snoozed = before && !before->deleted && state_is(l, entity, before, "snoozed");
	bool was_open = before && !before->deleted && state_is(l, entity, before, "fired");
	bool firing = is_firing(entity, before, after);
	enum status s = plan_snooze(t, l, entity, after, e);

	if (!s &&
		((was_open && (!open || user != was_user)) || (was_snoozed && !snoozed && !firing)))
		s = take_out(t, author, entity, was_user, after->id, e);
	if (!s && open && !firing && (!was_open || user != was_user))
		s = put_in(t, author, entity, user, after, e);
	if (!s && open && !firing && (!was_open || user != was_user))
		s = mail_note(t, l, user, author->now_ms, false, e);
	return s ? s : escalate_follow(t, l, author, entity, before, after, e);
}

/* The reminders that a record's fields made, or that concern a customer, one by one. */
struct following {
	struct txn *t;
	struct lookup *l;
	const struct author *author;
	const struct entity *reminders;
	const struct entity *entity; /* whose record was written */
	const struct stored *before, *after;
};

/* The field named by a rule "entity.field"; NULL when the rule is none. */
static const struct field *rule_field(
	const struct schema *schema, struct bytes rule, const struct entity **entity)
{
	const uint8_t *dot = rule.len ? memchr(rule.data, '.', rule.len) : NULL;
	size_t n = dot ? (size_t)(dot - rule.data) : 0;

	*entity = dot ? schema_entity(schema, bytes_of(rule.data, n)) : NULL;
	return *entity ? entity_field(*entity, bytes_of(dot + 1, rule.len - n - 1)) : NULL;
}

/* Who is reminded through the field now; 0 when the source no longer asks. */
static uint64_t asked_now(struct following *f, const struct field *field,
	const struct entity *entity, const struct stored *source)
{
	struct asking a;

	if (entity == f->entity && source->id == f->after->id &&
		!bytes_equal(record_run(f->before->fields, field->tag),
			record_run(f->after->fields, field->tag)))
		return 0;
	return asking_read(f->t, f->l, entity, field, source, &a) ? a.user : 0;
}

static enum status follow_one(void *arg, const struct stored *reminder, struct error *e)
{
	struct following *f = arg;
	const struct entity *entity;
	const struct field *field = rule_field(txn_schema(f->t),
		model_text(f->reminders, reminder->fields, "source_rule"), &entity);
	uint64_t about = model_number(f->reminders, reminder->fields, "record"), user;
	struct buf room = BUF_INIT;
	struct stored source;
	enum status s = STATUS_OK;

	if (!field || any_ref_entity(about) != entity->number ||
		(!state_is(f->l, f->reminders, reminder, "fired") &&
			!state_is(f->l, f->reminders, reminder, "snoozed")))
		return STATUS_OK;
	if (store_get(f->t, &scope_all, entity, any_ref_id(about), &room, &source, NULL) ==
		STATUS_OK) {
		user = asked_now(f, field, entity, &source);
		if (!user)
			s = put_number(f->t, f->author, f->reminders, reminder, "state",
				lookup_entry(f->l, "reminder_state", "finished"), false, e);
		else if (user != model_number(f->reminders, reminder->fields, "user"))
			s = put_number(
				f->t, f->author, f->reminders, reminder, "user", user, false, e);
	}
	buf_free(&room);
	return s;
}

enum status follow_source(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct following f = { t, l, author, model_entity(t, ENTITY_REMINDER), entity, before,
		after };

	/* the trash takes them along as they are, and gives them back */
	if (after->deleted)
		return STATUS_OK;
	/* every reminder about a customer or what follows it names the customer */
	if (entity->number == ENTITY_CUSTOMER)
		return each_of(t, f.reminders, "customer", after->id, follow_one, &f, e);
	return each_of(
		t, f.reminders, "record", any_ref(entity->number, after->id), follow_one, &f, e);
}

/* A reminder that a field (no rule: "cadence:CODE") made for this occurrence and so many days ahead; older ones tell these by their day alone. */
static bool is_made_for(const struct entity *reminders, const struct stored *reminder,
	const struct due_row *row, struct bytes day)
{
	const struct field *ahead = entity_field_named(reminders, "days_before");

	struct bytes source = model_text(reminders, reminder->fields, "source_rule");

	if (!source.len || memchr(source.data, ':', source.len) ||
		(civil_date)model_number(reminders, reminder->fields, "occurrence") !=
			row->occurrence)
		return false;
	if (record_has(reminder->fields, ahead->tag))
		return record_signed(reminder->fields, ahead->tag) == row->nth;
	return bytes_equal(model_text(reminders, reminder->fields, "start_on"), day);
}

bool follow_fired(struct txn *t, const struct entity *entity, const struct field *field,
	const struct stored *record, const struct due_row *row)
{
	const struct entity *reminders = model_entity(t, ENTITY_REMINDER);
	const struct field *about = entity_field_named(reminders, "record");
	struct buf day = BUF_INIT, wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[PAGE], after = 0;
	struct stored s;
	bool found = false;
	size_t n;

	if (entity == reminders)
		return (civil_date)model_number(entity, record->fields, "occurrence") >=
		       row->occurrence;
	date_format(date_add_days(row->occurrence, -(int)row->nth), &day);
	record_add_number(&wire, about->tag, any_ref(entity->number, record->id));
	while (!found && (n = store_find_equal(
				  t, reminders, about, buf_bytes(&wire), after, ids, PAGE)) > 0) {
		for (size_t i = 0; i < n && !found; i++)
			found = !store_get(t, &scope_all, reminders, ids[i], &room, &s, NULL) &&
				is_made_for(reminders, &s, row, buf_bytes(&day));
		after = ids[n - 1];
	}
	buf_free(&day);
	buf_free(&wire);
	buf_free(&room);
	return found;
}

/* The reference through which records of an entity follow those of another; NULL when they do not. */
static const struct field *follows(const struct entity *entity, const struct entity *above)
{
	const char *rest = entity->scope_fields;

	while (rest && *rest) {
		size_t len = strcspn(rest, "|");
		const struct field *f = entity_field(entity, bytes_of(rest, len));
		if (f && f->refers_to && strcmp(f->refers_to, above->name) == 0)
			return f;
		rest += len + (rest[len] == '|');
	}
	return NULL;
}

struct below {
	struct txn *t;
	struct lookup *l;
	const struct author *author;
	const struct entity *entity;
};

static enum status plan_below(void *arg, const struct stored *record, struct error *e)
{
	struct below *b = arg;
	enum status s = STATUS_OK;

	for (size_t i = 0; i < b->entity->nfields && !s; i++) {
		const struct field *f = &b->entity->fields[i];
		if (f->remind != REMIND_NONE && record_has(record->fields, f->tag))
			s = plan_again(b->t, b->l, b->author, b->entity, f, record, e);
	}
	return s;
}

enum status follow_down(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct stored *after, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	enum status s = STATUS_OK;

	for (size_t i = 0; i < schema_count(schema) && !s; i++) {
		const struct entity *en = schema_at(schema, i);
		const struct field *f = follows(en, entity);
		struct below b = { t, l, author, en };
		bool reminds = false;

		for (size_t k = 0; k < en->nfields; k++)
			reminds |= en->fields[k].remind != REMIND_NONE;
		if (f && reminds)
			s = each_of(t, en, f->name, after->id, plan_below, &b, e);
	}
	return s;
}
