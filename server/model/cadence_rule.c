/* Reading and checking cadence rules. */
#include "server/model/cadence_rule.h"
#include "common/text.h"
#include "server/model/draft.h"
#include <glib.h>

/* clang-format off */
const struct cadence_row cadence_rows[] = {
	{ "visit", "按等级定期拜访", "Regular visits by grade", "customer", NULL, "period", "visit",
		NULL, "grade.visit_cadence", NULL, NULL, NULL, NULL, "yes", "no", "no" },
	{ "lead_contact", "线索定期联系", "Regular contact with leads", "lead", NULL, "period", "activity",
		NULL, NULL, "lead.cadence", "7", NULL, NULL, "yes", "no", "no" },
	{ "opportunity_contact", "销售机会定期联系", "Regular contact on opportunities", "opportunity", NULL,
		"period", "activity", NULL, NULL, "lead.cadence", "7", NULL, NULL, "yes", "no", "no" },
	{ "lead_first", "新线索首次联系", "First contact with new leads", "lead", NULL, "steps", "activity",
		NULL, NULL, "lead.steps", NULL, "assigned_at", NULL, "yes", "yes", "no" },
	{ "churn", "流失预警", "Churn warning", "customer", "not grade in (vip, key)", "silence", "sale",
		NULL, NULL, NULL, NULL, NULL, "2", "no", "no", "no" },
	{ "churn_key", "重点客户流失预警", "Churn warning, key customers", "customer",
		"grade in (vip, key)", "silence", "sale", NULL, NULL, NULL, NULL, NULL, "2", "yes", "no", "no" },
	{ "plan_result", "拜访计划须有结果", "Results of visit plans", "task",
		"task_kind = visit_plan and state in (open, submitted, acknowledged, postponed)", "steps", "visit",
		NULL, NULL, "visit.record_days", NULL, "due_on", NULL, "yes", "no", "yes" },
	{ 0 },
};
/* clang-format on */

const char *const cadence_progress[] = { "state", "stage", "status", NULL };

static const char *const rhythms[] = { "period", "steps", "silence", NULL };
static const char *const actions[] = { "activity", "visit", "sale", NULL };
static const char *const periods[] = { "none", "week", "month", "quarter", "half_year", "year",
	NULL };

/* One reading. */
struct reading {
	struct lookup *l;
	struct arena *arena;
	const struct entity *rules;
	struct bytes fields;
	struct cadence_rule *rule;
	struct error *e;
};

static const char *text_of(struct reading *r, const char *field)
{
	char *text = arena_str(r->arena, text_trim(model_text(r->rules, r->fields, field)));

	return text ? text : "";
}

static int word_at(const char *const *words, struct bytes word)
{
	for (int i = 0; words[i]; i++)
		if (bytes_equal_str(word, words[i]))
			return i;
	return -1;
}

/* The place of a choice's code among words; the first one when it is not set. */
static int code_of(struct reading *r, const char *field, const char *const *words)
{
	int at = word_at(
		words, bytes_str(lookup_code(r->l, model_number(r->rules, r->fields, field))));

	return at < 0 ? 0 : at;
}

static void watch(struct cadence_rule *rule, const struct field *f)
{
	for (size_t i = 0; i < rule->nwatched; i++)
		if (rule->watched[i] == f->tag)
			return;
	if (rule->nwatched < CADENCE_WATCHED)
		rule->watched[rule->nwatched++] = f->tag;
}

static void watch_named(struct cadence_rule *rule, const char *name)
{
	const struct field *f = name ? entity_field_exact(rule->entity, name) : NULL;

	if (f)
		watch(rule, f);
}

static void pass_through(struct cadence_rule *rule, const struct field *f)
{
	for (size_t i = 0; i < rule->nthrough; i++)
		if (rule->through[i] == f)
			return;
	if (f && f->type == T_REF && rule->nthrough < CADENCE_MANY)
		rule->through[rule->nthrough++] = f;
}

/* What the filter reads, of the record and of others. */
static void watch_filter(struct cadence_rule *rule, const struct filter *filter)
{
	for (size_t i = 0; i < filter->n; i++) {
		const struct filter_node *n = &filter->nodes[i];
		const struct field *f = n->npath ? entity_field(rule->entity, n->path[0]) : NULL;
		if (!f)
			continue;
		watch(rule, f);
		rule->computed |= (f->flags & F_COMPUTED) != 0;
		if (n->npath > 1)
			pass_through(rule, f);
	}
}

/* Days that are named from today move on without a change: the look-up of values knows no today. */
static void read_filter(struct reading *r)
{
	const char *text = text_of(r, "filter");
	struct parse_context ctx = lookup_parse_context(r->l, 0, NULL);
	struct filter filter;
	struct error why;
	enum status s;

	if (!*text)
		return;
	error_init(&why);
	ctx.saved = NULL;
	s = filter_parse(bytes_str(text), r->arena, &filter, &why);
	if (!s)
		s = condition_compile(
			&filter, r->rule->entity, &ctx, r->arena, &r->rule->condition, &why);
	if (s)
		error_field(r->e, "filter", "is not understood: %s", why.message);
	else
		watch_filter(r->rule, &filter);
	error_clear(&why);
}

static void read_entity(struct reading *r)
{
	struct bytes name = bytes_str(text_of(r, "entity"));
	const struct entity *en = schema_entity(lookup_schema(r->l), name);

	if (!en)
		error_field(r->e, "entity", "is no entity");
	else if (!en->owner_field || en->flags & (E_SHARED | E_READONLY | E_FINAL))
		error_field(r->e, "entity", "has no owner who could be reminded");
	else
		r->rule->entity = en;
}

/* The field of the actions that refers to the entity. */
static const struct field *reference_to(const struct entity *from, const struct entity *to)
{
	for (size_t i = 0; i < from->nfields; i++)
		if (from->fields[i].type == T_REF && from->fields[i].refers_to &&
			!(from->fields[i].flags & F_RETIRED) &&
			!strcmp(from->fields[i].refers_to, to->name))
			return &from->fields[i];
	return NULL;
}

static void add_entry(struct reading *r, uint64_t **list, size_t *n, uint64_t entry)
{
	uint64_t *grown = arena_array_grow(r->arena, *list, *n, sizeof **list);

	if (grown) {
		*list = grown;
		grown[(*n)++] = entry;
	}
}

/* The entries of a choice that have an attribute of this value. */
static void entries_that_say(struct reading *r, const char *dictionary, const char *name,
	const char *value, uint64_t **list, size_t *n)
{
	size_t count;
	const struct entry *const *entries = lookup_entries(r->l, dictionary, &count);

	for (size_t i = 0; i < count; i++)
		if (bytes_equal_str(attribute(entries[i]->attributes, name), value))
			add_entry(r, list, n, entries[i]->id);
}

static void read_types(struct reading *r)
{
	const struct field *types = entity_field_named(r->rules, "activity_types");
	struct bytes run = record_run(r->fields, types->tag);
	struct cadence_rule *rule = r->rule;
	struct wire_field w;

	while (rule->action != ACTION_SALE && record_next(&run, &w, NULL))
		add_entry(r, &rule->counting, &rule->ncounting, w.number);
}

/* Which actions count, and where the date of the last one stands. */
static void read_action(struct reading *r)
{
	struct cadence_rule *rule = r->rule;
	static const char *const dates[] = { "last_contact_on", "last_visit_on", "last_sale_on" };

	rule->action = (enum cadence_action)code_of(r, "action", actions);
	rule->actions =
		lookup_entity(r->l, rule->action == ACTION_SALE ? ENTITY_SALE : ENTITY_ACTIVITY);
	rule->kind = entity_field_named(
		rule->actions, rule->action == ACTION_SALE ? "status" : "activity_type");
	rule->names = reference_to(rule->actions, rule->entity);
	if (!rule->names)
		error_field(r->e, "action", "is never of a %s", rule->entity->name);
	read_types(r);
	if (!rule->ncounting)
		rule->latest = entity_field_exact(rule->entity, dates[rule->action]);
	if (rule->ncounting || rule->action == ACTION_ACTIVITY)
		return;
	entries_that_say(r, rule->kind->refers_to,
		rule->action == ACTION_SALE ? "counts" : "counts_as_visit", "yes", &rule->counting,
		&rule->ncounting);
}

static void add_period(struct reading *r, const struct entry *entry, struct bytes word)
{
	struct cadence_rule *rule = r->rule;
	int at = word_at(periods, word);
	struct cadence_entry *grown =
		arena_array_grow(r->arena, rule->periods, rule->nperiods, sizeof *grown);

	if (!grown || at <= 0)
		return;
	rule->periods = grown;
	grown[rule->nperiods++] = (struct cadence_entry){ entry->id, (enum cadence_period)at };
}

/* "grade.visit_cadence": a choice of the record and an attribute of its entries. */
static void read_period_from(struct reading *r, const char *text)
{
	const char *dot = strchr(text, '.');
	const struct field *f =
		dot ? entity_field(r->rule->entity, bytes_of(text, (size_t)(dot - text))) : NULL;
	const struct entry *const *entries;
	size_t n;

	if (!f || f->type != T_CHOICE) {
		error_field(r->e, "period_from",
			"is not a choice of the entity and an attribute, such as "
			"grade.visit_cadence");
		return;
	}
	r->rule->period_field = f;
	watch(r->rule, f);
	entries = lookup_entries(r->l, f->refers_to, &n);
	for (size_t i = 0; i < n; i++)
		add_period(r, entries[i], attribute(entries[i]->attributes, dot + 1));
}

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int descending(const void *a, const void *b)
{
	return ascending(b, a);
}

static void add_days(int days[CADENCE_MANY], size_t *n, int64_t v)
{
	for (size_t i = 0; i < *n; i++)
		if (days[i] == v)
			return;
	if (*n < CADENCE_MANY && v >= 0 && v <= 366)
		days[(*n)++] = (int)v;
}

static void days_of_field(struct reading *r, const char *field, int days[CADENCE_MANY], size_t *n)
{
	struct bytes run = record_run(r->fields, entity_field_named(r->rules, field)->tag);
	struct wire_field w;

	while (record_next(&run, &w, NULL))
		add_days(days, n, unzigzag(w.number));
}

static void days_of_text(struct bytes text, int days[CADENCE_MANY], size_t *n)
{
	char *copy = bytes_dup(text);
	char **words = g_strsplit_set(copy, ", ", -1);

	for (char **w = words; *w; w++)
		if (g_ascii_isdigit(**w))
			add_days(days, n, g_ascii_strtoll(*w, NULL, 10));
	g_strfreev(words);
	free(copy);
}

static void read_period(struct reading *r)
{
	struct cadence_rule *rule = r->rule;
	const char *from = text_of(r, "period_from");

	days_of_field(r, "days_before", rule->ahead, &rule->nahead);
	qsort(rule->ahead, rule->nahead, sizeof *rule->ahead, descending);
	rule->period = (enum cadence_period)code_of(r, "period", periods);
	if (*rule->setting) {
		int at = word_at(periods, lookup_setting(r->l, rule->setting));
		rule->period = at < 0 ? PERIOD_NONE : (enum cadence_period)at;
	} else if (*from) {
		read_period_from(r, from);
	} else if (rule->period == PERIOD_NONE) {
		error_field(r->e, "period", "is missing: it, period_from or setting is needed");
	}
}

static void read_steps(struct reading *r)
{
	struct cadence_rule *rule = r->rule;
	const char *since = text_of(r, "since");

	if (*rule->setting)
		days_of_text(lookup_setting(r->l, rule->setting), rule->steps, &rule->nsteps);
	else
		days_of_field(r, "steps", rule->steps, &rule->nsteps);
	qsort(rule->steps, rule->nsteps, sizeof *rule->steps, ascending);
	if (!rule->nsteps)
		error_field(r->e, "steps", "is missing");
	rule->since = entity_field_named(rule->entity, *since ? since : "created_at");
	if (!rule->since || (rule->since->type != T_DATE && rule->since->type != T_DATETIME))
		error_field(r->e, "since", "is no date of the entity");
	else
		watch(rule, rule->since);
}

static void read_rhythm(struct reading *r)
{
	struct cadence_rule *rule = r->rule;

	rule->rhythm = (enum cadence_rhythm)code_of(r, "rhythm", rhythms);
	if (rule->rhythm == RHYTHM_PERIOD)
		read_period(r);
	else if (rule->rhythm == RHYTHM_STEPS)
		read_steps(r);
	rule->factor = record_signed(r->fields, entity_field_named(r->rules, "factor")->tag);
	if (rule->rhythm == RHYTHM_SILENCE && rule->factor <= 0)
		error_field(r->e, "factor", "is missing");
	if (rule->to_pool && (rule->rhythm != RHYTHM_STEPS ||
				     !entity_field_exact(rule->entity, rule->entity->owner_field)))
		error_field(r->e, "to_pool", "is for a rhythm of steps");
}

/* The entries by which a record is closed, as they are for the dates that remind. */
static void read_over(struct reading *r)
{
	static const char *const codes[] = { "done", "cancelled", "finished", NULL };
	struct cadence_rule *rule = r->rule;

	for (size_t i = 0; cadence_progress[i]; i++) {
		const struct field *f = entity_field_exact(rule->entity, cadence_progress[i]);
		size_t n = 0;
		const struct entry *const *entries;
		if (!f || f->type != T_CHOICE)
			continue;
		entries = lookup_entries(r->l, f->refers_to, &n);
		for (size_t k = 0; k < n; k++)
			if (word_at(codes, bytes_str(entries[k]->code)) >= 0 ||
				bytes_equal_str(attribute(entries[k]->attributes, "closed"), "yes"))
				add_entry(r, &rule->over, &rule->nover, entries[k]->id);
	}
}

static void watch_state(struct cadence_rule *rule)
{
	const char *rest = rule->entity->scope_fields;

	watch_named(rule, rule->entity->owner_field);
	watch_named(rule, "branch");
	watch_named(rule, "archived");
	watch_named(rule, "left_on");
	for (size_t i = 0; cadence_progress[i]; i++)
		watch_named(rule, cadence_progress[i]);
	while (rest && *rest) {
		size_t len = strcspn(rest, "|");
		const struct field *f = entity_field(rule->entity, bytes_of(rest, len));
		if (f) {
			watch(rule, f);
			pass_through(rule, f);
		}
		rest += len + (rest[len] == '|');
	}
}

static void read_flags(struct reading *r)
{
	struct cadence_rule *rule = r->rule;

	rule->code = text_of(r, "code");
	rule->zh = text_of(r, "label_zh");
	rule->en = text_of(r, "label_en");
	if (!*rule->en)
		rule->en = rule->zh;
	rule->setting = text_of(r, "setting");
	rule->active = model_number(r->rules, r->fields, "active") != 0;
	rule->escalate = model_number(r->rules, r->fields, "escalate") != 0;
	rule->to_pool = model_number(r->rules, r->fields, "to_pool") != 0;
	rule->workdays = model_number(r->rules, r->fields, "workdays") != 0;
	rule->minute = (int)model_number(r->rules, r->fields, "time_of_day");
}

enum status cadence_rule_read(struct lookup *l, struct arena *arena, const struct stored *record,
	struct cadence_rule *out, struct error *e)
{
	struct reading r = { l, arena, lookup_entity(l, ENTITY_CADENCE_RULE), record->fields, out,
		e };
	size_t faults = e->nfields;

	*out = (struct cadence_rule){ .id = record->id };
	read_flags(&r);
	if (*out->setting && !lookup_setting(l, out->setting).len)
		error_field(e, "setting", "is no setting");
	read_entity(&r);
	if (!out->entity)
		return STATUS_INVALID;
	read_action(&r);
	read_filter(&r);
	read_rhythm(&r);
	read_over(&r);
	watch_state(out);
	return e->nfields > faults ? STATUS_INVALID : STATUS_OK;
}

size_t cadence_usual(enum cadence_period period, int ahead[CADENCE_MANY])
{
	static const int usual[][2] = { [PERIOD_WEEK] = { 2, 2 },
		[PERIOD_MONTH] = { 7, 2 },
		[PERIOD_QUARTER] = { 21, 3 },
		[PERIOD_HALF_YEAR] = { 30, 7 },
		[PERIOD_YEAR] = { 30, 7 } };
	size_t n = 0;

	for (int i = 0; period != PERIOD_NONE && i < 2; i++)
		add_days(ahead, &n, usual[period][i]);
	return n;
}

/* The hook */

static void check_code(struct draft *d)
{
	struct bytes code = draft_text(d, "code");
	bool right = code.len > 0;

	for (size_t i = 0; i < code.len; i++)
		right = right && (g_ascii_islower(code.data[i]) || g_ascii_isdigit(code.data[i]) ||
					 code.data[i] == '_');
	if (!right)
		draft_bad(d, "code", "is not made of small letters, digits and _");
	if (d->w->before && draft_changed(d, "code"))
		draft_bad(d, "code", "cannot be changed: reminders name it");
	if (d->w->before && draft_changed(d, "entity"))
		draft_bad(d, "entity", "cannot be changed: make another rule");
}

static void check_number(struct draft *d)
{
	uint64_t next = 0;

	if (!d->w->before && !store_next_id(d->w->txn, d->w->entity, &next, NULL) &&
		next > CADENCE_RULES)
		draft_bad(d, "code", "is one too many: there were %u rules", CADENCE_RULES);
}

static void rule_check(struct draft *d)
{
	const struct stored s = { .id = d->w->id, .fields = draft_bytes(d) };
	struct arena *arena = arena_new(1 << 20);
	struct cadence_rule rule;
	struct error why;

	check_code(d);
	check_number(d);
	error_init(&why);
	if (cadence_rule_read(d->w->lookup, arena, &s, &rule, &why))
		for (size_t i = 0; i < why.nfields; i++)
			draft_bad(d, why.fields[i].field, "%s", why.fields[i].message);
	error_clear(&why);
	arena_free(&arena);
}

const struct hooks cadence_rule_hooks = { .entity = ENTITY_CADENCE_RULE, .check = rule_check };
