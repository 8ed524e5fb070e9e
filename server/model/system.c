/* What is special to the firm itself, its users and what administrators keep. */
#include "common/pinyin.h"
#include "common/text.h"
#include "server/model/computed.h"
#include "server/model/draft.h"
#include "server/model/settings.h"
#include "server/store/query.h"
#include <glib.h>

#define PRESENT_ROOM (256u * 1024)

static void check_code(struct draft *d, const char *field, const char *more)
{
	struct bytes text = draft_text(d, field);
	bool letter = !text.len;

	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];
		letter = letter || g_ascii_isalpha(c) || c == '_';
		if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && !strchr(more, c)) {
			draft_bad(d, field, "is not of lower-case letters, digits and %s", more);
			return;
		}
	}
	if (!letter)
		draft_bad(d, field, "is a number: it would be taken for an id");
}

static void check_zone(struct draft *d)
{
	char *name = bytes_dup(draft_text(d, "time_zone"));

	if (*name && !zone_find(name))
		draft_bad(d, "time_zone", "is not a time zone such as Asia/Shanghai");
	free(name);
}

static void check_language(struct draft *d)
{
	struct bytes text = draft_text(d, "language");

	if (text.len && !bytes_equal_str(text, "zh") && !bytes_equal_str(text, "en"))
		draft_bad(d, "language", "is not zh or en");
}

/* Users and branches */

static void user_check(struct draft *d)
{
	check_code(d, "username", "._-");
	check_zone(d);
	check_language(d);
}

static void branch_check(struct draft *d)
{
	check_code(d, "code", "_-");
	check_zone(d);
	check_language(d);
}

static void region_check(struct draft *d)
{
	check_code(d, "code", "_-");
}

static void role_check(struct draft *d)
{
	static const char *const classes[] = { "personal", "sensitive", "sensitive-by-reveal",
		"cost" };
	struct bytes run = record_run(draft_bytes(d), draft_tag(d, "data_classes"));
	struct wire_field w;

	check_code(d, "code", "_-");
	while (record_next(&run, &w, NULL)) {
		bool known = false;
		for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
			known |= bytes_equal_str(w.bytes, classes[i]);
		if (!known)
			draft_bad(d, "data_classes",
				"is not of personal, sensitive, sensitive-by-reveal, cost");
	}
}

static void portfolio_check(struct draft *d)
{
	if (draft_has(d, "manager") && draft_has(d, "team"))
		draft_bad(d, "team", "is set besides manager: one of the two is responsible");
}

static enum status portfolio_deletable(const struct model_write *w, struct error *e)
{
	if (w->id == 1)
		return error_set(e, STATUS_INVALID, "the general portfolio cannot be deleted");
	return STATUS_OK;
}

static enum status count_one(void *arg, const struct stored *record, struct error *e)
{
	++*(uint64_t *)arg;
	return STATUS_OK;
}

static enum status role_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	uint64_t users = 0;
	enum status s =
		each_of(t, model_entity(t, ENTITY_USER), "roles", record->id, count_one, &users, e);

	computed_number(out, "user_count", zigzag((int64_t)users));
	return s;
}

static enum status count_users(struct txn *t, uint64_t role, struct error *e)
{
	const struct stored record = { .id = role };
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_ROLE, role);
	s = role_compute(t, &record, &c, e);
	return s ? s : computed_write(&c, e);
}

/* The roles count their users: those that a user had and those that it has. */
static enum status user_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint16_t tag = entity_field_named(entity, "roles")->tag;
	struct bytes old = before ? record_run(before->fields, tag) : bytes_of("", 0);
	struct bytes new = record_run(after->fields, tag);
	struct wire_field w;
	enum status s = STATUS_OK;

	if (before && before->deleted == after->deleted && bytes_equal(old, new))
		return STATUS_OK;
	while (!s && record_next(&old, &w, NULL))
		s = count_users(t, w.number, e);
	while (!s && record_next(&new, &w, NULL))
		s = count_users(t, w.number, e);
	return s;
}

const struct hooks user_hooks = { .entity = ENTITY_USER, .check = user_check, .after = user_after };
const struct hooks branch_hooks = { .entity = ENTITY_BRANCH, .check = branch_check };
const struct hooks region_hooks = { .entity = ENTITY_REGION, .check = region_check };
const struct hooks role_hooks = {
	.entity = ENTITY_ROLE, .compute = role_compute, .check = role_check
};
static enum status portfolio_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	uint64_t customers = 0;
	enum status s = each_of(t, model_entity(t, ENTITY_CUSTOMER), "portfolio", record->id,
		count_one, &customers, e);

	computed_number(out, "customer_count", zigzag((int64_t)customers));
	return s;
}

/* The customers of the portfolio that the scope sees. */
static enum status count_seen(
	struct txn *t, const struct scope *scope, uint64_t portfolio, uint64_t *count)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *customers = model_entity(t, ENTITY_CUSTOMER);
	struct arena *arena = arena_new(PRESENT_ROOM);
	struct lookup *names = lookup_new(t, &scope_all, schema, false, arena);
	struct parse_context ctx = lookup_parse_context(names, 0, NULL);
	struct query q = { .entity = customers, .scope = scope };
	struct condition *condition = NULL;
	struct filter filter;
	struct error e;
	char text[48];
	enum status s;

	error_init(&e);
	snprintf(text, sizeof(text), "portfolio = %llu", (unsigned long long)portfolio);
	s = filter_parse(bytes_str(text), arena, &filter, &e);
	if (!s)
		s = condition_compile(&filter, customers, &ctx, arena, &condition, &e);
	q.condition = condition;
	if (!s)
		s = query_count(t, &q, count, &e);
	error_clear(&e);
	lookup_free(&names);
	arena_free(&arena);
	return s;
}

/* The number of all would tell of those of others. */
static void portfolio_present(
	struct txn *t, const struct scope *scope, const struct stored *record, struct buf *more)
{
	const struct entity *en = model_entity(t, ENTITY_PORTFOLIO);
	uint64_t count = 0;

	if (!scope || scope->all)
		return;
	if (count_seen(t, scope, record->id, &count))
		count = 0;
	record_add_signed(more, entity_field_named(en, "customer_count")->tag, (int64_t)count);
}

const struct hooks portfolio_hooks = { .entity = ENTITY_PORTFOLIO,
	.compute = portfolio_compute,
	.check = portfolio_check,
	.present = portfolio_present,
	.deletable = portfolio_deletable };

/* Dictionaries */

static struct bytes dictionary_fields_of(const struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_DICTIONARY);

	return lookup_fields(d->w->lookup, en, draft_number(d, "dictionary"));
}

static bool dictionary_fixed(const struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_DICTIONARY);

	return model_number(en, dictionary_fields_of(d), "fixed") != 0;
}

static void add_code_char(struct buf *out, uint32_t c)
{
	const char *reading[PINYIN_MAX_READINGS];

	if (c < 128 && g_ascii_isalnum((char)c))
		buf_add_u8(out, (uint8_t)g_ascii_tolower((char)c));
	else if (pinyin_readings(c, reading))
		buf_add_str(out, reading[0]);
	else if (out->len && out->data[out->len - 1] != '_')
		buf_add_u8(out, '_');
}

/* The English label, else the pinyin of the Chinese one. */
static void default_code(struct draft *d)
{
	struct bytes from = draft_text(d, draft_has(d, "label_en") ? "label_en" : "label_zh");
	struct buf code = BUF_INIT;

	if (draft_has(d, "code"))
		return;
	while (from.len && code.len < 60)
		add_code_char(&code, text_next(&from));
	while (code.len && code.data[code.len - 1] == '_')
		code.len--;
	if (code.len)
		draft_set_text(d, "code", buf_bytes(&code));
	buf_free(&code);
}

static void set_key(struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_DICTIONARY);
	struct buf key = BUF_INIT;

	buf_add_bytes(
		&key, record_text(dictionary_fields_of(d), entity_field_named(en, "code")->tag));
	buf_add_u8(&key, '.');
	buf_add_bytes(&key, draft_text(d, "code"));
	draft_set_text(d, "key", buf_bytes(&key));
	buf_free(&key);
}

static void entry_prepare(struct draft *d)
{
	if (d->w->before)
		return;
	default_code(d);
	set_key(d);
}

static void entry_check(struct draft *d)
{
	bool fixed = dictionary_fixed(d);

	check_code(d, "code", "_");
	if (d->w->before && draft_changed(d, "code"))
		draft_bad(d, "code", "cannot be changed");
	if (d->w->before && draft_changed(d, "dictionary"))
		draft_bad(d, "dictionary", "cannot be changed");
	if (!d->w->before && fixed && d->w->user)
		draft_bad(d, "dictionary", "is fixed: rules depend on its entries");
	if (d->w->before && fixed && draft_changed(d, "active"))
		draft_bad(d, "active", "cannot be changed: the dictionary is fixed");
}

static enum status entry_deletable(const struct model_write *w, struct error *e)
{
	struct draft d = { .w = w, .e = e };
	bool fixed;

	buf_add_bytes(&d.fields, w->before->fields);
	fixed = dictionary_fixed(&d);
	buf_free(&d.fields);
	if (fixed)
		return error_set(e, STATUS_INVALID,
			"the dictionary is fixed: its entries can be relabelled, not removed");
	return STATUS_OK;
}

struct defaults {
	struct txn *txn;
	const struct author *author;
	const struct entity *entity;
	uint64_t except;
};

static enum status default_seen(void *arg, const struct stored *record, struct error *e)
{
	const struct defaults *d = arg;

	if (record->id == d->except || !model_number(d->entity, record->fields, "is_default"))
		return STATUS_OK;
	return put_number(d->txn, d->author, d->entity, record, "is_default", 0, true, e);
}

/* One default entry: naming another moves it. */
static enum status entry_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct defaults d = { t, author, entity, after->id };

	txn_change_fields(t);
	bool was = before && !before->deleted && model_number(entity, before->fields, "is_default");

	if (was || after->deleted || !model_number(entity, after->fields, "is_default"))
		return STATUS_OK;
	return each_of(t, entity, "dictionary", model_number(entity, after->fields, "dictionary"),
		default_seen, &d, e);
}

static void dictionary_check(struct draft *d)
{
	check_code(d, "code", "_");
	if (d->w->before && draft_changed(d, "code"))
		draft_bad(d, "code", "cannot be changed");
}

/* Clients know the dictionaries by the number of the generation. */
static enum status dictionary_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	txn_change_fields(t);
	return STATUS_OK;
}

const struct hooks dictionary_hooks = {
	.entity = ENTITY_DICTIONARY, .check = dictionary_check, .after = dictionary_after
};
const struct hooks dictionary_entry_hooks = { .entity = ENTITY_DICTIONARY_ENTRY,
	.prepare = entry_prepare,
	.check = entry_check,
	.after = entry_after,
	.present = entry_present,
	.deletable = entry_deletable };

/* Settings */

/* The fields of a required set are fields of a customer. */
static void check_required_fields(struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_CUSTOMER);
	char *set = bytes_dup(draft_text(d, "value"));
	char **names = g_strsplit_set(set, ",|", -1);

	for (char **p = names; *p; p++)
		if (!entity_field_named(en, g_strstrip(*p)))
			draft_bad(d, "value", "names no field of customer: \"%s\"", *p);
	g_strfreev(names);
	free(set);
}

static void setting_check(struct draft *d)
{
	const struct setting_row *row = setting_row(draft_text(d, "name"));
	char why[96];

	if (!row)
		draft_bad(d, "name", "is no setting of this server");
	else if (!draft_has(d, "value"))
		return;
	else if (!setting_allowed(row, draft_text(d, "value"), why))
		draft_bad(d, "value", "%s", why);
	else if (!strcmp(row->allowed, "fields"))
		check_required_fields(d);
}

const struct hooks setting_hooks = { .entity = ENTITY_SETTING, .check = setting_check };
