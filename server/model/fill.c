/* What a new store holds: the dictionaries, one branch, the general portfolio, roles, settings, the first administrator. */
#include "server/model/cadence_rule.h"
#include "server/model/dictionaries.h"
#include "server/model/lookup.h"
#include "server/model/roles.h"
#include "server/model/settings.h"
#include <glib.h>

#define FILL_ROOM (16u << 20)
#define ORDER_STEP 10

struct filler {
	struct txn *txn;
	const struct author *author;
	const struct schema *schema;
	struct lookup *lookup;
	bool missing_only; /* what stands already is passed over */
	struct error *e;
};

struct value {
	const char *field, *text; /* text NULL or "": not set */
};

/* Adds a record from texts, past the checks: what the server alone may set stands here too. */
static enum status add(struct filler *f, enum entity_number number, const struct value *values,
	size_t n, uint64_t *id)
{
	const struct entity *en = schema_entity_by_number(f->schema, (uint16_t)number);
	struct parse_context ctx = lookup_parse_context(f->lookup, 0, NULL);
	struct buf fields = BUF_INIT;
	uint64_t made = 0;
	enum status s = STATUS_OK;

	for (size_t i = 0; i < n && !s; i++)
		if (values[i].text)
			s = type_parse(entity_field_named(en, values[i].field),
				bytes_str(values[i].text), &ctx, &fields, f->e);
	if (!s)
		s = store_put(f->txn, f->author, en, &made, "add", buf_bytes(&fields), NULL, f->e);
	else
		error_prefix(f->e, "built-in %s", en->name);
	if (id)
		*id = made;
	buf_free(&fields);
	return s;
}

static const char *english(const struct dictionary_row *row, struct buf *room)
{
	buf_clear(room);
	if (row->en)
		buf_add_str(room, row->en);
	else
		code_in_words(row->code, room);
	return buf_str(room);
}

static enum status add_entry(
	struct filler *f, const char *dictionary, const struct dictionary_row *row, unsigned order)
{
	struct buf label = BUF_INIT;
	char key[128], position[16];
	enum status s;

	g_snprintf(key, sizeof(key), "%s.%s", dictionary, row->code);
	g_snprintf(position, sizeof(position), "%u", order);
	const struct value values[] = {
		{ "dictionary", dictionary },
		{ "code", row->code },
		{ "label_zh", row->zh },
		{ "label_en", english(row, &label) },
		{ "sort_order", position },
		{ "active", "yes" },
		{ "is_default", row->flags & ROW_DEFAULT ? "yes" : "no" },
		{ "attributes", row->attributes },
		{ "key", key },
	};
	s = add(f, ENTITY_DICTIONARY_ENTRY, values, G_N_ELEMENTS(values), NULL);
	buf_free(&label);
	return s;
}

static bool has_dictionary(struct filler *f, const char *code)
{
	return f->missing_only && lookup_dictionary(f->lookup, code);
}

static bool has_setting(struct filler *f, const char *name)
{
	const struct entity *en = schema_entity_by_number(f->schema, ENTITY_SETTING);
	uint64_t id;

	return f->missing_only && !store_find_unique(f->txn, en, entity_field_named(en, "name"),
					  bytes_str(name), &id, NULL);
}

static enum status add_dictionary(struct filler *f, const struct dictionary_row *row)
{
	struct buf label = BUF_INIT;
	const struct value values[] = {
		{ "code", row->code },
		{ "label_zh", row->zh },
		{ "label_en", english(row, &label) },
		{ "fixed", row->flags & ROW_FIXED ? "yes" : "no" },
	};
	enum status s = add(f, ENTITY_DICTIONARY, values, G_N_ELEMENTS(values), NULL);

	buf_free(&label);
	return s;
}

static enum status add_dictionaries(struct filler *f)
{
	const struct dictionary_row *dictionary = NULL;
	unsigned order = 0;
	bool has = false;
	enum status s = STATUS_OK;

	for (const struct dictionary_row *row = dictionary_rows; row->code && !s; row++) {
		if (row->flags & ROW_DICTIONARY) {
			dictionary = row;
			order = 0;
			has = has_dictionary(f, row->code);
			s = has ? STATUS_OK : add_dictionary(f, row);
		} else if (!has) {
			s = add_entry(f, dictionary->code, row, order += ORDER_STEP);
		}
	}
	return s;
}

static enum status add_roles(struct filler *f)
{
	enum status s = STATUS_OK;

	for (const struct role_row *row = role_rows; row->code && !s; row++) {
		const struct value values[] = {
			{ "code", row->code },
			{ "label_zh", row->zh },
			{ "label_en", row->en },
			{ "scope", row->scope },
			{ "rights", row->rights },
			{ "data_classes", row->classes },
			{ "exact_only", row->exact_only ? "yes" : "no" },
		};
		s = add(f, ENTITY_ROLE, values, G_N_ELEMENTS(values), NULL);
	}
	return s;
}

static enum status add_settings(struct filler *f)
{
	struct buf help = BUF_INIT;
	enum status s = STATUS_OK;

	for (const struct setting_row *row = setting_rows; row->name && !s; row++) {
		if (has_setting(f, row->name))
			continue;
		buf_clear(&help);
		buf_printf(&help, "%s / %s", row->zh, row->en);
		const struct value values[] = {
			{ "name", row->name },
			{ "default_value", row->initial },
			{ "help", buf_str(&help) },
		};
		s = add(f, ENTITY_SETTING, values, G_N_ELEMENTS(values), NULL);
	}
	buf_free(&help);
	return s;
}

static enum status add_rules(struct filler *f, bool active)
{
	enum status s = STATUS_OK;

	for (const struct cadence_row *row = cadence_rows; row->code && !s; row++) {
		const struct value values[] = {
			{ "code", row->code },
			{ "label_zh", row->zh },
			{ "label_en", row->en },
			{ "active", active ? "yes" : "no" },
			{ "entity", row->entity },
			{ "filter", row->filter },
			{ "rhythm", row->rhythm },
			{ "action", row->action },
			{ "period", row->period },
			{ "period_from", row->period_from },
			{ "setting", row->setting },
			{ "days_before", row->days_before },
			{ "since", row->since },
			{ "factor", row->factor },
			{ "escalate", row->escalate },
			{ "to_pool", row->to_pool },
			{ "workdays", row->workdays },
			{ "time_of_day", "09:00" },
		};
		s = add(f, ENTITY_CADENCE_RULE, values, G_N_ELEMENTS(values), NULL);
	}
	return s;
}

static enum status add_firm(struct filler *f)
{
	const struct value branch[] = {
		{ "code", "main" },
		{ "name", "总部" },
		{ "time_zone", "Asia/Shanghai" },
		{ "currency", "CNY" },
		{ "language", "zh" },
		{ "active", "yes" },
	};
	const struct value portfolio[] = {
		{ "name", "未分组" },
		{ "individually_managed", "no" },
	};
	enum status s = add(f, ENTITY_BRANCH, branch, G_N_ELEMENTS(branch), NULL);

	return s ? s : add(f, ENTITY_PORTFOLIO, portfolio, G_N_ELEMENTS(portfolio), NULL);
}

static enum status add_administrator(struct filler *f, const char *name, uint64_t *id)
{
	const struct value values[] = {
		{ "username", name },
		{ "name", name },
		{ "branch", "main" },
		{ "roles", "admin" },
		{ "state", "active" },
		{ "language", "zh" },
	};

	return add(f, ENTITY_USER, values, G_N_ELEMENTS(values), id);
}

enum status model_fill(struct txn *t, const struct author *author, const char *admin,
	uint64_t *admin_id, struct error *e)
{
	struct arena *arena = arena_new(FILL_ROOM);
	struct filler f = { .txn = t, .author = author, .schema = txn_schema(t), .e = e };
	enum status s;

	f.lookup = lookup_new(t, &scope_all, f.schema, true, arena);
	s = add_dictionaries(&f);
	if (!s)
		s = add_firm(&f);
	if (!s)
		s = add_roles(&f);
	if (!s)
		s = add_settings(&f);
	if (!s)
		s = add_administrator(&f, admin, admin_id);
	if (!s)
		s = add_rules(&f, true);
	lookup_free(&f.lookup);
	arena_free(&arena);
	return s;
}

/* Rules begin to remind when somebody switches them on: nobody has asked for them here. */
static enum status add_missing_rules(struct filler *f)
{
	const struct entity *en = schema_entity_by_number(f->schema, ENTITY_CADENCE_RULE);
	uint64_t next = 0;
	enum status s = store_next_id(f->txn, en, &next, f->e);

	return s || next > 1 ? s : add_rules(f, false);
}

enum status model_fill_missing(struct txn *t, const struct author *author, struct error *e)
{
	struct arena *arena = arena_new(FILL_ROOM);
	struct filler f = {
		.txn = t, .author = author, .schema = txn_schema(t), .missing_only = true, .e = e
	};
	size_t puts = txn_puts(t);
	enum status s;

	f.lookup = lookup_new(t, &scope_all, f.schema, true, arena);
	s = add_dictionaries(&f);
	lookup_free(&f.lookup); /* it remembers what was not there */
	f.lookup = lookup_new(t, &scope_all, f.schema, true, arena);
	if (!s)
		s = add_settings(&f);
	if (!s)
		s = add_missing_rules(&f);
	if (!s && txn_puts(t) > puts)
		txn_change_fields(t);
	lookup_free(&f.lookup);
	arena_free(&arena);
	return s;
}
