/* What is special to cases, service orders, parts, articles, surveys and points. */
#include "common/type_file.h"
#include "server/model/computed.h"
#include "server/model/draft.h"
#include <glib.h>

#define HOUR_MS INT64_C(3600000)

static const struct entity *entity_in(const struct draft *d, enum entity_number number)
{
	return schema_entity_by_number(lookup_schema(d->w->lookup), (uint16_t)number);
}

static bool became(const struct draft *d, const char *field, const char *code)
{
	return draft_changed(d, field) && !strcmp(draft_code(d, field), code);
}

static void stamp_once(struct draft *d, const char *field)
{
	if (!draft_has(d, field))
		draft_set_number(d, field, zigzag(d->w->author->now_ms));
}

/* Documents */

static void document_prepare(struct draft *d)
{
	char hex[2 * FILE_HASH + 1] = "";
	struct buf content = BUF_INIT; /* the draft moves with every field that is set */
	struct file_value v;

	buf_add_bytes(&content, draft_text(d, "content"));
	if (!file_value_read(buf_bytes(&content), &v)) {
		buf_free(&content);
		return;
	}
	for (size_t i = 0; i < v.sha256.len && i < FILE_HASH; i++)
		snprintf(hex + 2 * i, 3, "%02x", v.sha256.data[i]);
	draft_set_number(d, "size", zigzag((int64_t)v.size));
	draft_set_text(d, "sha256", bytes_str(hex));
	if (v.name.len)
		draft_set_text(d, "file_name", v.name);
	if (v.name.len && !draft_has(d, "title") && !draft_is_bad(d, "title"))
		draft_set_text(d, "title", v.name);
	buf_free(&content);
}

static void document_check(struct draft *d)
{
	if (!draft_has(d, "record") && !draft_has(d, "customer"))
		draft_bad(d, "customer", "is missing: record or customer is needed");
	if (!draft_has(d, "title"))
		draft_bad(d, "title", "is missing: the file has no name");
}

const struct hooks document_hooks = {
	.entity = ENTITY_DOCUMENT, .prepare = document_prepare, .check = document_check
};

/* Cases */

/* The entry that names the grade of the customer among those it is meant for, else the default one. */
static uint64_t priority_of_grade(struct draft *d)
{
	const struct entity *en = entity_in(d, ENTITY_CUSTOMER);
	struct bytes customer = lookup_fields(d->w->lookup, en, draft_number(d, "customer"));
	const char *grade = lookup_code(d->w->lookup, model_number(en, customer, "grade"));
	size_t n, len = strlen(grade);
	const struct entry *const *entries = lookup_entries(d->w->lookup, "case_priority", &n);

	for (size_t i = 0; len && i < n; i++) {
		struct bytes meant = attribute(entries[i]->attributes, "default_for");
		for (size_t at = 0; at + len <= meant.len; at++)
			if (!memcmp(meant.data + at, grade, len) &&
				(!at || meant.data[at - 1] == '|') &&
				(at + len == meant.len || meant.data[at + len] == '|'))
				return entries[i]->id;
	}
	return lookup_standard(d->w->lookup, "case_priority");
}

static int64_t priority_number(struct draft *d, const char *name)
{
	const struct entry *entry = lookup_entry_of(d->w->lookup, draft_number(d, "priority"));
	struct bytes v = entry ? attribute(entry->attributes, name) : bytes_of("", 0);
	int64_t n = 0;

	for (size_t i = 0; i < v.len && i < 6 && g_ascii_isdigit(v.data[i]); i++)
		n = n * 10 + (v.data[i] - '0');
	return n;
}

/* The same time of day after so many working days; the day itself does not count. */
static int64_t after_working_days(struct draft *d, int64_t from, int64_t days)
{
	const struct entity *users = entity_in(d, ENTITY_USER);
	struct bytes user = lookup_fields(d->w->lookup, users,
		draft_has(d, "assignee") ? draft_number(d, "assignee") : d->w->user);
	const struct zone *zone = model_user_zone(d->w->txn, user);
	civil_date date = zone_date(zone, from);

	while (days > 0) {
		date = date_add_days(date, 1);
		if (date_weekday(date) <= 5)
			days--;
	}
	return zone_instant(zone, date, zone_minute(zone, from));
}

static void case_deadlines(struct draft *d)
{
	int64_t reported, hours, days;

	if (!draft_changed(d, "reported_at") && !draft_changed(d, "priority"))
		return;
	reported = record_signed(draft_bytes(d), draft_tag(d, "reported_at"));
	hours = priority_number(d, "answer_hours");
	days = priority_number(d, "solve_days");
	if (hours)
		draft_set_number(d, "response_due_at", zigzag(reported + hours * HOUR_MS));
	else
		draft_clear(d, "response_due_at");
	if (days)
		draft_set_number(
			d, "resolve_due_at", zigzag(after_working_days(d, reported, days)));
	else
		draft_clear(d, "resolve_due_at");
}

static void case_state(struct draft *d)
{
	bool closed = became(d, "state", "closed");

	if (became(d, "state", "answered") || closed) {
		stamp_once(d, "first_response_at");
		stamp_once(d, "resolved_at");
	}
	if (became(d, "state", "reopened"))
		draft_clear(d, "resolved_at");
	if (closed) {
		stamp_once(d, "closed_at");
		if (!draft_has(d, "call_back_on") && !draft_is_bad(d, "call_back_on"))
			draft_set_number(d, "call_back_on",
				(uint64_t)date_add_days(
					d->w->today, (int)lookup_setting_number(
							     d->w->lookup, "case.call_back_days")));
	} else if (draft_changed(d, "state")) {
		draft_clear(d, "closed_at");
	}
}

static void feedback_prepare(struct draft *d)
{
	if (!draft_has(d, "priority") && !draft_is_bad(d, "priority"))
		draft_set_number(d, "priority", priority_of_grade(d));
	if (draft_changed(d, "assignee") && draft_has(d, "assignee"))
		draft_set_number(d, "assigned_at", zigzag(d->w->author->now_ms));
	if (draft_changed(d, "told_customer_on") && draft_has(d, "told_customer_on") &&
		!draft_has(d, "told_customer_by") && d->w->user)
		draft_set_number(d, "told_customer_by", d->w->user);
	case_deadlines(d);
	case_state(d);
}

static void feedback_check(struct draft *d)
{
	if (!strcmp(draft_code(d, "state"), "closed") &&
		!strcmp(draft_code(d, "case_kind"), "request") && draft_has(d, "needs_met") &&
		!draft_number(d, "needs_met"))
		draft_bad(d, "needs_met", "is no: a request is closed when its need is met");
}

const struct hooks feedback_hooks = {
	.entity = ENTITY_FEEDBACK, .prepare = feedback_prepare, .check = feedback_check
};

/* Articles */

static void article_prepare(struct draft *d)
{
	if (became(d, "article_state", "published"))
		draft_set_number(d, "published_at", zigzag(d->w->author->now_ms));
	else if (draft_changed(d, "article_state") && d->w->before)
		draft_clear(d, "published_at");
}

const struct hooks article_hooks = { .entity = ENTITY_ARTICLE, .prepare = article_prepare };

/* Parts: the stock is what the movements come to, in the order in which they were entered. */

struct stock {
	struct txn *txn;
	const struct entity *movement;
	int64_t quantity; /* ten-thousandths */
	bool overflow;
};

static void stock_move(struct stock *s, uint64_t kind, int64_t quantity)
{
	if (entry_says(s->txn, kind, "sign", "set"))
		s->quantity = quantity;
	else if (entry_says(s->txn, kind, "sign", "-"))
		s->overflow |= __builtin_sub_overflow(s->quantity, quantity, &s->quantity);
	else
		s->overflow |= __builtin_add_overflow(s->quantity, quantity, &s->quantity);
}

static enum status stock_seen(void *arg, const struct stored *record, struct error *e)
{
	struct stock *s = arg;

	stock_move(s, model_number(s->movement, record->fields, "part_movement_kind"),
		unzigzag(model_number(s->movement, record->fields, "quantity")));
	return STATUS_OK;
}

static enum status part_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	struct stock stock = { .txn = t, .movement = model_entity(t, ENTITY_PART_MOVEMENT) };
	enum status s = each_of(t, stock.movement, "part", record->id, stock_seen, &stock, e);

	computed_money(out, "stock_quantity", stock.quantity);
	return s;
}

static enum status part_write(struct txn *t, const struct stored *part, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_PART, part->id);
	s = part_compute(t, part, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status part_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	return before && !before->deleted ? STATUS_OK : part_write(t, after, e);
}

const struct hooks part_hooks = {
	.entity = ENTITY_PART, .after = part_after, .compute = part_compute
};

static int64_t stock_now(struct draft *d)
{
	const struct entity *en = entity_in(d, ENTITY_PART);
	struct buf room = BUF_INIT;
	struct stored part;
	int64_t stock = 0;

	if (read_live(d->w->txn, en, draft_number(d, "part"), &room, &part))
		stock = unzigzag(model_number(en, part.fields, "stock_quantity"));
	buf_free(&room);
	return stock;
}

static void format_decimal(int64_t v, char out[32])
{
	struct field f = { .tag = 1, .type = T_DECIMAL };
	struct wire_field w = { .tag = 1, .wire = WIRE_VARINT, .number = zigzag(v) };
	struct buf text = BUF_INIT;

	type_format(&f, &w, FORM_CODE, NULL, &text);
	snprintf(out, 32, "%s", buf_str(&text));
	buf_free(&text);
}

static void movement_prepare(struct draft *d)
{
	struct stock stock = { .txn = d->w->txn };

	if (d->w->before || !draft_has(d, "part") || !draft_has(d, "quantity"))
		return;
	stock.quantity = stock_now(d);
	stock_move(&stock, draft_number(d, "part_movement_kind"),
		unzigzag(draft_number(d, "quantity")));
	if (stock.overflow)
		draft_bad(d, "quantity", "makes the stock too large");
	draft_set_number(d, "balance_after", zigzag(stock.quantity));
}

static void movement_check(struct draft *d)
{
	bool count = !strcmp(draft_code(d, "part_movement_kind"), "count");
	int64_t quantity = unzigzag(draft_number(d, "quantity"));
	char text[32];

	if (d->w->before || !draft_has(d, "quantity"))
		return;
	if (quantity < 0 || (!quantity && !count))
		draft_bad(d, "quantity", "is not above 0");
	else if (unzigzag(draft_number(d, "balance_after")) < 0) {
		format_decimal(stock_now(d), text);
		draft_bad(d, "quantity", "is more than the stock of %s", text);
	}
}

/* A new movement moves on from where the stock stood; what comes and goes in between is counted anew. */
static enum status movement_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_PART);
	struct stock stock = { .txn = t, .movement = entity };
	struct buf room = BUF_INIT;
	struct stored part;
	struct computed c;
	enum status s = STATUS_OK;

	if (!read_live(t, en, model_number(entity, after->fields, "part"), &room, &part)) {
		buf_free(&room);
		return STATUS_OK;
	}
	if (before) {
		s = part_write(t, &part, e);
	} else {
		stock.quantity = unzigzag(model_number(en, part.fields, "stock_quantity"));
		s = stock_seen(&stock, after, e);
		computed_init(&c, t, ENTITY_PART, part.id);
		computed_money(&c, "stock_quantity", stock.quantity);
		if (!s)
			s = computed_write(&c, e);
	}
	buf_free(&room);
	return s;
}

const struct hooks part_movement_hooks = { .entity = ENTITY_PART_MOVEMENT,
	.prepare = movement_prepare,
	.check = movement_check,
	.after = movement_after };

/* Surveys: C = b / a, to four places, half up. */

static bool satisfaction_of(const struct entity *en, struct bytes fields, int64_t *out)
{
	int64_t a = unzigzag(model_number(en, fields, "expectation"));
	int64_t b = unzigzag(model_number(en, fields, "experience"));
	__int128 c = a > 0 ? ((__int128)b * 20000 + a) / ((__int128)a * 2) : -1;

	*out = (int64_t)c;
	return c >= 0 && c <= INT64_MAX;
}

static void survey_check(struct draft *d)
{
	int64_t c;

	if (draft_has(d, "expectation") && draft_has(d, "experience") &&
		!draft_is_bad(d, "expectation") && !draft_is_bad(d, "experience") &&
		!satisfaction_of(d->w->entity, draft_bytes(d), &c))
		draft_bad(d, "experience", "is too large for this expectation");
}

static enum status survey_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	int64_t c;

	if (satisfaction_of(model_entity(t, ENTITY_SURVEY_RESPONSE), record->fields, &c))
		computed_money(out, "satisfaction", c);
	return STATUS_OK;
}

static enum status survey_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_SURVEY_RESPONSE, after->id);
	s = survey_compute(t, after, &c, e);
	return s ? s : computed_write(&c, e);
}

const struct hooks survey_response_hooks = { .entity = ENTITY_SURVEY_RESPONSE,
	.check = survey_check,
	.after = survey_after,
	.compute = survey_compute };

/* Points: the balance of a customer is the sum of its entries. */

struct points {
	const struct entity *entry;
	int64_t sum;
	bool any;
};

static enum status points_seen(void *arg, const struct stored *record, struct error *e)
{
	struct points *p = arg;

	p->sum += unzigzag(model_number(p->entry, record->fields, "points"));
	p->any = true;
	return STATUS_OK;
}

enum status points_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e)
{
	struct points p = { .entry = model_entity(t, ENTITY_POINTS_ENTRY) };
	enum status s = each_of(t, p.entry, "customer", customer, points_seen, &p, e);

	if (p.any)
		computed_money(out, "points_balance", p.sum);
	else
		computed_number(out, "points_balance", 0);
	return s;
}

static int64_t points_now(struct txn *t, uint64_t customer)
{
	const struct entity *en = model_entity(t, ENTITY_CUSTOMER);
	struct buf room = BUF_INIT;
	struct stored r;
	int64_t points = 0;

	if (read_live(t, en, customer, &room, &r))
		points = unzigzag(model_number(en, r.fields, "points_balance"));
	buf_free(&room);
	return points;
}

static void points_prepare(struct draft *d)
{
	int64_t balance;

	if (d->w->before || !draft_has(d, "customer") || !draft_has(d, "points"))
		return;
	balance = points_now(d->w->txn, draft_number(d, "customer"));
	if (__builtin_add_overflow(balance, unzigzag(draft_number(d, "points")), &balance))
		draft_bad(d, "points", "makes the balance too large");
	draft_set_number(d, "balance_after", zigzag(balance));
}

static void points_check(struct draft *d)
{
	if (draft_has(d, "points") && !unzigzag(draft_number(d, "points")))
		draft_bad(d, "points", "is 0");
}

static enum status points_write(
	struct txn *t, uint64_t customer, const struct stored *added, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_POINTS_ENTRY);
	struct computed c;
	enum status s = STATUS_OK;

	computed_init(&c, t, ENTITY_CUSTOMER, customer);
	if (added)
		computed_money(&c, "points_balance",
			points_now(t, customer) +
				unzigzag(model_number(en, added->fields, "points")));
	else
		s = points_compute_customer(t, customer, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status points_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, "customer") : 0;
	uint64_t new = model_number(entity, after->fields, "customer");
	enum status s = points_write(t, new, before ? NULL : after, e);

	return s || !old || old == new ? s : points_write(t, old, NULL, e);
}

const struct hooks points_entry_hooks = { .entity = ENTITY_POINTS_ENTRY,
	.prepare = points_prepare,
	.check = points_check,
	.after = points_after };
