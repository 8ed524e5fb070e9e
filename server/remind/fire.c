#include "server/remind/fire.h"
#include "server/remind/cadence.h"
#include "server/remind/escalate.h"
#include "server/remind/inbox.h"
#include "server/remind/mail.h"
#include "server/remind/replan.h"
#include "server/remind/turn.h"
#include "server/remind/whom.h"
#include "server/server.h"

/* What one due row becomes. */
struct firing {
	struct call *call;
	struct lookup *lookup;
	const struct due_row *row;
	const struct entity *entity; /* of the record that the row is about */
	const struct field *field;   /* NULL: a snoozed reminder */
	const struct stored *record;
	const struct entity *reminder_entity;
	uint64_t user;
	civil_date occurrence;
	bool late;
	uint64_t
		missed; /* occurrences before this one that nobody was reminded of: the server was down */
};

void reminder_merge(const struct entity *entity, struct bytes base,
	const struct reminder_patch *patch, size_t n, struct buf *out)
{
	struct buf fragment = BUF_INIT, sorted = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		uint16_t tag = entity_field_named(entity, patch[i].name)->tag;

		if (patch[i].is_text)
			record_add_text(&fragment, tag, patch[i].text);
		else
			record_add_number(&fragment, tag, patch[i].number);
	}
	record_sort(buf_bytes(&fragment), &sorted);
	record_merge(base, buf_bytes(&sorted), NULL, 0, out);
	buf_free(&fragment);
	buf_free(&sorted);
}

/* The title in words that need no language: whom or what it is about. */
static void firing_title(const struct firing *f, struct buf *out)
{
	struct bytes text = model_text(f->entity, f->record->fields, f->entity->name_field);

	buf_add_bytes(out, text.len ? text : bytes_str(f->entity->zh));
}

static uint64_t firing_customer(const struct firing *f)
{
	if (f->entity->number == ENTITY_CUSTOMER)
		return f->record->id;
	return model_number(f->entity, f->record->fields, "customer");
}

/* A new reminder, born fired, for a field of a record. */
static enum status firing_make(const struct firing *f, uint64_t *id, struct error *e)
{
	struct buf title = BUF_INIT, start = BUF_INIT, rule = BUF_INIT, fields = BUF_INIT;
	const struct zone *zone = user_zone(f->call->txn, f->user);
	uint64_t customer = firing_customer(f);
	const char *kind = f->field->remind_kind ? f->field->remind_kind : "system";
	enum status status;

	firing_title(f, &title);
	buf_printf(&rule, "%s.%s", f->entity->name, f->field->name);
	date_format(zone_date(zone, f->row->instant), &start);
	struct reminder_patch patch[] = {
		{ "title", 0, buf_bytes(&title), true },
		{ "reminder_kind", lookup_entry(f->lookup, "reminder_kind", kind), { 0 }, false },
		{ "record", any_ref(f->entity->number, f->record->id), { 0 }, false },
		{ "user", f->user, { 0 }, false },
		{ "start_on", 0, buf_bytes(&start), true },
		{ "time_of_day", (uint64_t)zone_minute(zone, f->row->instant), { 0 }, false },
		{ "occurrence", (uint64_t)f->occurrence, { 0 }, false },
		{ "state", lookup_entry(f->lookup, "reminder_state", "fired"), { 0 }, false },
		{ "repeat", lookup_entry(f->lookup, "reminder_repeat", "none"), { 0 }, false },
		{ "late", f->late, { 0 }, false },
		{ "last_fired_at", zigzag(f->call->now_ms), { 0 }, false },
		{ "source_rule", 0, buf_bytes(&rule), true },
		{ "days_before", zigzag(f->row->nth), { 0 }, false },
		{ "missed", zigzag((int64_t)f->missed), { 0 }, false },
		{ "customer", customer, { 0 }, false },
	};
	reminder_merge(f->reminder_entity, bytes_of("", 0), patch,
		sizeof patch / sizeof *patch - !customer, &fields);
	*id = 0;
	status = store_put(f->call->txn, &f->call->author, f->reminder_entity, id, "add",
		buf_bytes(&fields), NULL, e);
	buf_free(&title);
	buf_free(&start);
	buf_free(&rule);
	buf_free(&fields);
	return status;
}

/* The reminder record itself is due, by its own rule or because its snooze is over. */
static enum status firing_mark(const struct firing *f, struct error *e)
{
	struct buf fields = BUF_INIT;
	uint64_t id = f->record->id;
	struct reminder_patch patch[] = {
		{ "occurrence", (uint64_t)f->occurrence, { 0 }, false },
		{ "state", lookup_entry(f->lookup, "reminder_state", "fired"), { 0 }, false },
		{ "late", f->late, { 0 }, false },
		{ "last_fired_at", zigzag(f->call->now_ms), { 0 }, false },
		{ "user", f->user, { 0 }, false },
		{ "missed", zigzag((int64_t)f->missed), { 0 }, false },
	};
	enum status status;

	reminder_merge(f->reminder_entity, f->record->fields, patch, sizeof patch / sizeof *patch,
		&fields);
	status = store_put(f->call->txn, &f->call->author, f->reminder_entity, &id, "set",
		buf_bytes(&fields), NULL, e);
	buf_free(&fields);
	return status;
}

enum status fire_deliver(struct call *c, const struct fire_delivery *d, struct error *e)
{
	const struct entity *reminders = schema_entity_by_number(c->schema, ENTITY_REMINDER);
	struct inbox_row row = { .kind = INBOX_REMINDER,
		.late = d->late,
		.reminder = d->reminder,
		.due_ms = d->row->instant,
		.fired_ms = c->now_ms,
		.fired_real_us = real_ms() * 1000,
		.occurrence = d->occurrence,
		.subject_entity = d->entity,
		.subject_id = d->id };
	enum status status = log_append(
		c->txn, &c->author, LOG_FIRED, reminders, d->reminder, 0, NULL, &row.seq, e);

	if (status)
		return status;
	return whom_deliver(c->txn, &c->author, d->user, &row, e);
}

/* Into the log and the inbox, with what it is about. */
static enum status firing_deliver(const struct firing *f, uint64_t reminder, struct error *e)
{
	uint64_t about = model_number(f->entity, f->record->fields, "record");
	struct fire_delivery d = { .user = f->user,
		.reminder = reminder,
		.row = f->row,
		.occurrence = f->occurrence,
		.late = f->late,
		.entity = f->entity->number,
		.id = f->record->id };

	if (f->entity == f->reminder_entity) {
		d.entity = any_ref_entity(about);
		d.id = any_ref_id(about);
	}
	return fire_deliver(f->call, &d, e);
}

/* The index of the firing row's days ahead among those that the record asks for now; nahead if it does no more. */
static size_t asked_nth(const struct asking *a, const struct due_row *row)
{
	size_t i = 0;

	while (i < a->nahead && a->ahead[i] != row->nth)
		i++;
	return i;
}

/*
 * Plans the next occurrence, computed from the rule. Of a series that was missed for long only the latest occurrence fires:
 * those between are passed over.
 */
static enum status firing_advance(struct firing *f, struct error *e)
{
	struct asking a;
	struct due_row next;
	size_t nth;
	bool more = false;

	if (f->field && asking_read(f->call->txn, f->lookup, f->entity, f->field, f->record, &a) &&
		(nth = asked_nth(&a, f->row)) < a.nahead)
		while ((more = asking_next(&a, nth, date_add_days(f->occurrence, 1),
				date_add_days(f->occurrence, -a.ahead[nth]), f->row->id, &next)) &&
			next.instant <= f->call->now_ms) {
			f->occurrence = next.occurrence;
			f->missed++;
		}
	return plan_advance(f->call->txn, f->row, more ? &next : NULL, e);
}

static enum status firing_run(struct firing *f, struct error *e)
{
	uint64_t reminder = f->record->id;
	enum status status = firing_advance(f, e);

	if (status || !f->user)
		return status;
	if (f->entity == f->reminder_entity)
		status = firing_mark(f, e);
	if (f->entity == f->reminder_entity && !status)
		status = plan_note_next(f->call->txn, reminder, e);
	if (f->entity != f->reminder_entity)
		status = firing_make(f, &reminder, e);
	return status ? status : firing_deliver(f, reminder, e);
}

/* A row whose plan does not name it, or whose record or field is gone, is dropped. */
static bool planned(struct txn *t, const struct due_row *row)
{
	struct due_row rows[PLAN_MAX];
	size_t n = plan_read(t, row->entity, row->id, row->tag, rows, PLAN_MAX);

	for (size_t i = 0; i < n; i++)
		if (rows[i].instant == row->instant && rows[i].nth == row->nth)
			return true;
	return false;
}

static enum status fire_row(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e)
{
	const struct schema *schema = c->schema;
	const struct entity *entity = schema_entity_by_number(schema, row->entity);
	struct firing f = { .call = c, .lookup = l, .row = row, .entity = entity };
	struct stored record;
	struct buf buf = BUF_INIT;
	enum status status;

	if (cadence_is_tag(row->tag))
		return cadence_fire(c, l, row, e);
	if (row->tag == PLAN_DIGEST && planned(c->txn, row))
		return mail_digest(c, l, row, e);
	if (turn_is_tag(row->tag))
		return turn_fire(c, l, row, e);
	if (row->tag == PLAN_ESCALATE)
		return escalate_fire(c, l, row, e);
	f.reminder_entity = schema_entity_by_number(schema, ENTITY_REMINDER);
	if (entity && row->tag != PLAN_SNOOZE)
		f.field = entity_field_by_tag(entity, row->tag);
	if (!entity || (!f.field && entity != f.reminder_entity) || !planned(c->txn, row))
		return plan_advance(c->txn, row, NULL, e);
	status = store_get(c->txn, &scope_all, entity, row->id, &buf, &record, e);
	if (status) {
		buf_free(&buf);
		if (status != STATUS_NOT_FOUND)
			return status; /* damaged: it may be mended */
		if (e)
			error_clear(e);
		return plan_advance(c->txn, row, NULL, e);
	}
	f.record = &record;
	f.occurrence = row->occurrence;
	f.late = c->now_ms - row->instant > LATE_MS;
	f.user = remind_user_of(c->txn, entity,
		f.field ? f.field : entity_field_named(entity, "start_on"), &record);
	status = firing_run(&f, e);
	buf_free(&buf);
	return status;
}

static const char note_key[] = "last_fired";

static enum status fire_note(struct txn *t, int64_t fired_ms, int64_t lag_ms, struct error *e)
{
	uint8_t value[16];

	put_be64(value, (uint64_t)fired_ms);
	put_be64(value + 8, (uint64_t)lag_ms);
	return txn_put(t, SPACE_META, bytes_str(note_key), bytes_of(value, sizeof value), e);
}

/* A row that cannot fire now: the same, a while later. */
static enum status put_off(struct call *c, const struct due_row *row, struct error *e)
{
	struct due_row later = *row;

	later.instant = c->now_ms + FIRE_PUT_OFF_MS;
	return plan_advance(c->txn, row, &later, e);
}

enum status fire_due(struct call *c, struct error *e)
{
	const struct fire_how how = c->prepared ? *(const struct fire_how *)c->prepared
						: (struct fire_how){ FIRE_BATCH, false };
	struct due_row *rows = arena_alloc(c->arena, FIRE_BATCH * sizeof *rows);
	struct lookup *l;
	size_t n;
	enum status status = STATUS_OK;

	c->now_ms = clock_now(c->server->clock);
	c->author.now_ms = c->now_ms;
	l = lookup_new(c->txn, &scope_all, c->schema, false, c->arena);
	if (replan_asked(c->txn)) {
		status = replan_some(c, l, e);
		lookup_free(&l);
		return status;
	}
	n = due_read(c->txn, c->now_ms, NULL, rows, how.most);
	if ((n && how.put_off) || !n) {
		lookup_free(&l);
		return n ? put_off(c, &rows[0], e) : cadence_some(c, e);
	}
	for (size_t i = 0; i < n && !status; i++) {
		status = store_operation(c->txn, &c->author.operation, e);
		if (!status)
			status = fire_row(c, l, &rows[i], e);
	}
	for (size_t i = 0; i < c->nwake && !status; i++)
		status = mail_note(c->txn, l, c->wake[i], c->now_ms, false, e);
	lookup_free(&l);
	while (n && !due_reminds(&rows[n - 1]))
		n--;
	if (!status && n)
		status = fire_note(c->txn, c->now_ms, c->now_ms - rows[n - 1].instant, e);
	return status;
}

void fire_noted(struct txn *t, int64_t *fired_ms, int64_t *lag_ms)
{
	struct buf value = BUF_INIT;

	*fired_ms = *lag_ms = 0;
	if (txn_get(t, SPACE_META, bytes_str(note_key), &value, NULL) == STATUS_OK &&
		value.len == 16) {
		*fired_ms = (int64_t)get_be64(value.data);
		*lag_ms = (int64_t)get_be64(value.data + 8);
	}
	buf_free(&value);
}
