/* What is special to messages, consents and saved filters. */
#include "server/model/draft.h"
#include "server/store/query.h"
#include <glib.h>

/* Messages */

struct way {
	const char *channel;
	const char *contact[3], *customer[3]; /* fields in the order of preference */
};

static const struct way ways[] = {
	{ "email", { "email" }, { "email" } },
	{ "sms", { "mobile" }, { "mobile", "phone" } },
	{ "call", { "mobile", "office_phone" }, { "phone", "mobile" } },
	{ "letter", { NULL }, { "address" } },
};

/* The first of the fields that is set in the record that ref names. */
static struct bytes first_set(
	struct draft *d, const char *ref, const char *entity, const char *const names[3])
{
	const struct entity *en = schema_entity(lookup_schema(d->w->lookup), bytes_str(entity));
	struct bytes fields = lookup_fields(d->w->lookup, en, draft_number(d, ref)), v = { 0 };

	for (size_t i = 0; !v.len && i < 3 && names[i]; i++)
		v = model_text(en, fields, names[i]);
	return v;
}

/* Where the channel reaches the contact, else the customer. */
static void message_prepare(struct draft *d)
{
	const char *channel = draft_code(d, "channel");
	struct bytes v = { 0 };

	if (d->w->before || draft_has(d, "recipient") || draft_is_bad(d, "recipient"))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		if (strcmp(channel, ways[i].channel) != 0)
			continue;
		v = first_set(d, "contact", "contact", ways[i].contact);
		if (!v.len)
			v = first_set(d, "customer", "customer", ways[i].customer);
	}
	if (v.len)
		draft_set_text(d, "recipient", v);
}

static void message_check(struct draft *d)
{
	if (strcmp(draft_code(d, "channel"), "internal") != 0 && !draft_has(d, "recipient"))
		draft_bad(d, "recipient", "is missing: neither contact nor customer has one");
}

const struct hooks message_hooks = {
	.entity = ENTITY_MESSAGE, .prepare = message_prepare, .check = message_check
};

/* Consents: never changed, only withdrawn or followed by a new one. */

static bool withdraws(const struct draft *d)
{
	return draft_changed(d, "state") && !strcmp(draft_code(d, "state"), "withdrawn");
}

static void consent_prepare(struct draft *d)
{
	if (!d->w->before || !withdraws(d))
		return;
	draft_set_number(d, "withdrawn_at", zigzag(d->w->author->now_ms));
	if (d->w->author->reason.len)
		draft_set_text(d, "withdrawal_reason", d->w->author->reason);
}

static void consent_keeps(struct draft *d)
{
	const struct entity *en = d->w->entity;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		bool state = !strcmp(f->name, "state");
		if (f->tag >= TAG_EXTERNAL_ID || f->flags & (F_READONLY | F_COMPUTED | F_VIRTUAL) ||
			!draft_changed(d, f->name))
			continue;
		if (!state || !withdraws(d))
			draft_bad(d, f->name,
				"is never changed: withdraw the consent or add a new one");
	}
}

static void consent_check(struct draft *d)
{
	const char *state = draft_code(d, "state");

	if (d->w->before && d->w->user)
		consent_keeps(d);
	if (!d->w->before && d->w->user && strcmp(state, "given") != 0 &&
		strcmp(state, "refused") != 0)
		draft_bad(d, "state", "is neither given nor refused");
	if (draft_has(d, "expires_on") && draft_changed(d, "expires_on") &&
		(civil_date)draft_number(d, "expires_on") < d->w->today)
		draft_bad(d, "expires_on", "is past");
}

const struct hooks consent_hooks = {
	.entity = ENTITY_CONSENT, .prepare = consent_prepare, .check = consent_check
};

/* Saved filters */

#define FILTER_ROOM (256u * 1024)

/* Whether the text is the name of a saved filter of the entity. */
static bool is_saved(struct draft *d, const struct entity *en, struct bytes text)
{
	const struct entity *saved =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_SAVED_FILTER);
	const struct field *name = entity_field_named(saved, "name");
	struct buf wire = BUF_INIT;
	uint64_t ids[32];
	bool found = false;
	size_t n;

	record_add_text(&wire, name->tag, text);
	n = store_find_equal(d->w->txn, saved, name, buf_bytes(&wire), 0, ids, 32);
	for (size_t i = 0; i < n && !found; i++)
		found = bytes_equal_str(
			model_text(saved, lookup_fields(d->w->lookup, saved, ids[i]), "entity"),
			en->name);
	buf_free(&wire);
	return found;
}

static void check_filter(struct draft *d, const struct entity *en, const char *field)
{
	struct parse_context ctx = lookup_parse_context(d->w->lookup, d->w->today, NULL);
	struct arena *arena = arena_new(FILTER_ROOM);
	struct condition *condition;
	struct filter filter;
	struct error e;
	enum status s;

	error_init(&e);
	s = filter_parse(draft_text(d, field), arena, &filter, &e);
	if (!s)
		s = condition_compile(&filter, en, &ctx, arena, &condition, &e);
	if (s)
		draft_bad(d, field, "is no filter of %s: %.*s", en->name,
			(int)strcspn(e.message, "\n"), e.message);
	error_clear(&e);
	arena_free(&arena);
}

/* "name,-created_at": fields of the entity; order: a minus may stand before them. */
static void check_names(struct draft *d, const struct entity *en, const char *field, bool order)
{
	char *text = bytes_dup(draft_text(d, field));
	char **names = g_strsplit(text, ",", -1);

	for (char **p = names; *p; p++) {
		const char *name = g_strstrip(*p);
		name += order && *name == '-';
		if (*name && !entity_field_named(en, name))
			draft_bad(d, field, "names no field of %s: %s", en->name, name);
	}
	g_strfreev(names);
	free(text);
}

static void check_members(struct draft *d, const struct entity *en)
{
	struct bytes run = record_run(draft_bytes(d), draft_tag(d, "members"));
	struct wire_field w;

	while (record_next(&run, &w, NULL)) {
		uint64_t id = (uint64_t)unzigzag(w.number);
		if (!lookup_there(d->w->lookup, en, id))
			draft_bad(
				d, "members", "name no %s: %llu", en->name, (unsigned long long)id);
	}
}

static void saved_filter_check(struct draft *d)
{
	const struct entity *en =
		schema_entity(lookup_schema(d->w->lookup), draft_text(d, "entity"));
	bool fixed = !strcmp(draft_code(d, "group_kind"), "static");

	if (!draft_has(d, "entity"))
		return;
	if (!en) {
		draft_bad(d, "entity", "is not a known entity");
		return;
	}
	if (draft_has(d, "filter"))
		check_filter(d, en, "filter");
	check_names(d, en, "sort", true);
	check_names(d, en, "columns", false);
	if (draft_has(d, "members") && !fixed)
		draft_bad(d, "members", "belong to a static group only");
	else if (draft_changed(d, "members"))
		check_members(d, en);
}

const struct hooks saved_filter_hooks = {
	.entity = ENTITY_SAVED_FILTER, .prepare = draft_follow_owner, .check = saved_filter_check
};

static void campaign_check(struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_CUSTOMER);

	if (draft_has(d, "target_filter") && draft_changed(d, "target_filter") &&
		!is_saved(d, en, draft_text(d, "target_filter")))
		check_filter(d, en, "target_filter");
}

const struct hooks campaign_hooks = { .entity = ENTITY_CAMPAIGN, .check = campaign_check };
