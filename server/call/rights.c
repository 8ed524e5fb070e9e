#include "server/call/rights.h"
#include "server/call/auth.h"
#include "server/model/model.h"
#include <glib.h>

#define LOAD_ROOM (256u * 1024)

/* What is gathered over the roles of a user. */
struct grant {
	GPtrArray *rights;
	unsigned classes;
	bool all, branch, own;
	bool exact, free; /* some role is exact_only; some is not */
};

static void caller_text(char *out, size_t size, struct bytes text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	while (len < text.len && len && (text.data[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a character */
	memcpy(out, text.data, len);
	out[len] = 0;
}

static void grant_rights(struct grant *g, struct bytes run)
{
	struct wire_field w;

	while (record_next(&run, &w, NULL))
		g_ptr_array_add(g->rights, bytes_dup(w.bytes));
}

static void grant_classes(struct grant *g, struct bytes run)
{
	struct wire_field w;

	while (record_next(&run, &w, NULL))
		for (unsigned i = CLASS_PERSONAL; i <= CLASS_COST; i++)
			if (bytes_equal_str(w.bytes, field_class_name((enum field_class)i)))
				g->classes |= 1u << i;
}

static void grant_scope(struct grant *g, const char *code)
{
	g->all |= !strcmp(code, "all");
	g->branch |= !strcmp(code, "branch");
	g->own |= !strcmp(code, "own") || !strcmp(code, "team");
}

static enum status grant_role(
	struct txn *t, uint64_t role, struct lookup *names, struct grant *g, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *entity = schema_entity_by_number(schema, ENTITY_ROLE);
	struct buf room = BUF_INIT;
	struct stored record;
	enum status s = store_get(t, &scope_all, entity, role, &room, &record, e);

	if (!s && !record.deleted) {
		struct bytes f = record.fields;
		grant_rights(g, record_run(f, model_tag(schema, "role", "rights")));
		grant_classes(g, record_run(f, model_tag(schema, "role", "data_classes")));
		bool exact = record_number(f, model_tag(schema, "role", "exact_only"));
		g->exact = g->exact || exact;
		g->free = g->free || !exact;
		grant_scope(g,
			lookup_code(names, record_number(f, model_tag(schema, "role", "scope"))));
	}
	buf_free(&room);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

/* The branch and all below it. */
static void caller_branches(struct caller *c, struct txn *t)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *entity = schema_entity_by_number(schema, ENTITY_BRANCH);
	const struct field *parent = entity_field_named(entity, "parent");
	GArray *found = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t below[256];

	g_array_append_val(found, c->branch);
	for (guint i = 0; parent && i < found->len && found->len < 4096; i++) {
		struct buf wire = BUF_INIT;
		uint64_t after = 0;
		size_t n;
		record_add_number(&wire, parent->tag, g_array_index(found, uint64_t, i));
		while ((n = store_find_equal(
				t, entity, parent, buf_bytes(&wire), after, below, 256)) > 0) {
			g_array_append_vals(found, below, (guint)n);
			after = below[n - 1];
		}
		buf_free(&wire);
	}
	c->scope.nbranches = found->len;
	c->scope.branches = (uint64_t *)(void *)g_array_free(found, FALSE);
}

static void add_share(GArray *shares, uint64_t share)
{
	g_array_append_val(shares, share);
}

/* What is shared with a record that the caller is or belongs to: by its code or name, alone or as ENTITY:NAME. */
static void add_named(GArray *shares, struct txn *t, const char *entity, uint64_t id)
{
	const struct entity *en = schema_entity(txn_schema(t), bytes_str(entity));
	struct buf room = BUF_INIT, named = BUF_INIT;
	struct stored record;

	if (id && !store_get(t, &scope_all, en, id, &room, &record, NULL)) {
		struct bytes name = model_text(
			en, record.fields, en->number_field ? en->number_field : en->name_field);
		buf_add_bytes(&named, bytes_str(entity));
		buf_add_u8(&named, ':');
		buf_add_bytes(&named, name);
		add_share(shares, share_of_text(name));
		add_share(shares, share_of_text(buf_bytes(&named)));
	}
	buf_free(&room);
	buf_free(&named);
}

static void caller_shares(struct caller *c, struct bytes roles, struct txn *t, struct lookup *names)
{
	GArray *shares = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	struct wire_field w;

	add_share(shares, share_of_text(bytes_str("all")));
	add_share(shares, share_of_entry(lookup_entry(names, "scope", "all"), 0, 0));
	if (c->team)
		add_share(shares, share_of_entry(lookup_entry(names, "scope", "team"), c->team, 0));
	if (c->branch)
		add_share(shares,
			share_of_entry(lookup_entry(names, "scope", "branch"), 0, c->branch));
	add_named(shares, t, "user", c->user);
	add_named(shares, t, "team", c->team);
	add_named(shares, t, "branch", c->branch);
	while (record_next(&roles, &w, NULL))
		add_named(shares, t, "role", w.number);
	c->scope.nshares = shares->len;
	c->scope.shares = (uint64_t *)(void *)g_array_free(shares, FALSE);
}

static void caller_grant(struct caller *c, struct grant *g, struct txn *t)
{
	c->class_mask = 1u << CLASS_PUBLIC | g->classes;
	g_ptr_array_add(g->rights, NULL);
	c->rights = (char **)g_ptr_array_free(g->rights, FALSE);
	g->rights = NULL;
	c->admin = caller_may(c, "*");
	c->exact_only = g->exact && !g->free;
	c->scope.user = c->user;
	c->scope.all = g->all;
	c->scope.own = g->own || g->branch;
	c->scope.pool_branch = g->own ? c->branch : 0;
	if (g->branch && !g->all)
		caller_branches(c, t);
}

static enum status caller_roles(
	struct caller *c, struct bytes run, struct txn *t, struct lookup *names, struct error *e)
{
	struct grant g = { .rights = g_ptr_array_new() };
	struct wire_field w;
	enum status s = STATUS_OK;

	caller_shares(c, run, t, names);
	while (!s && record_next(&run, &w, NULL))
		s = grant_role(t, w.number, names, &g, e);
	caller_grant(c, &g, t);
	return s;
}

static enum status caller_fill(struct caller *c, const struct stored *user, struct txn *t,
	struct lookup *names, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	struct bytes f = user->fields;
	char hash[128];
	enum status s;

	if (user->deleted ||
		strcmp(lookup_code(names, record_number(f, model_tag(schema, "user", "state"))),
			"active") != 0)
		return error_set(e, STATUS_UNAUTHENTICATED, "account is not active");
	c->branch = record_number(f, model_tag(schema, "user", "branch"));
	c->team = record_number(f, model_tag(schema, "user", "team"));
	c->person_kind = lookup_entry(names, "customer_kind", "person");
	for (unsigned i = CLASS_PERSONAL; i <= CLASS_COST; i++)
		c->class_entries[i] =
			lookup_entry(names, "data_class", field_class_name((enum field_class)i));
	c->epoch = auth_epoch(t, c->user);
	caller_text(c->username, sizeof(c->username),
		record_text(f, model_tag(schema, "user", "username")));
	caller_text(c->name, sizeof(c->name), record_text(f, model_tag(schema, "user", "name")));
	c->zone = model_user_zone(t, f);
	s = credential_get(t, c->user, hash, &c->must_change_password, e);
	if (s && s != STATUS_NOT_FOUND)
		return s;
	return caller_roles(c, record_run(f, model_tag(schema, "user", "roles")), t, names, e);
}

enum status caller_load(
	struct txn *t, uint64_t user, uint64_t session, struct caller **out, struct error *e)
{
	const struct schema *schema = txn_schema(t);
	struct caller *c = g_new0(struct caller, 1);
	struct arena *arena = arena_new(LOAD_ROOM);
	struct lookup *names = lookup_new(t, &scope_all, schema, false, arena);
	struct buf room = BUF_INIT;
	struct stored record;
	enum status s = store_get(t, &scope_all, schema_entity_by_number(schema, ENTITY_USER), user,
		&room, &record, e);

	c->user = user;
	c->session = session;
	if (s == STATUS_NOT_FOUND)
		s = error_set(e, STATUS_UNAUTHENTICATED, "account is not active");
	if (!s)
		s = caller_fill(c, &record, t, names, e);
	buf_free(&room);
	lookup_free(&names);
	arena_free(&arena);
	if (s)
		caller_free(&c);
	*out = c;
	return s;
}

void caller_free(struct caller **c)
{
	if (!*c)
		return;
	for (char **right = (*c)->rights; right && *right; right++)
		free(*right);
	g_free((*c)->rights);
	g_free((void *)(*c)->scope.branches);
	g_free((void *)(*c)->scope.shares);
	g_free(*c);
	*c = NULL;
}

static bool right_grants(const char *has, const char *right)
{
	size_t len = strlen(has);

	if (!strcmp(has, "*") || !strcmp(has, right))
		return true;
	return len > 2 && has[len - 1] == '*' && has[len - 2] == '.' &&
	       !strncmp(has, right, len - 1);
}

bool caller_may(const struct caller *c, const char *right)
{
	for (char **has = c->rights; has && *has; has++)
		if (right_grants(*has, right))
			return true;
	return false;
}

const struct scope *caller_scope(const struct caller *c, const struct entity *entity)
{
	return &c->scope; /* the store knows which entities everybody sees */
}

bool caller_masked(const struct caller *c, const struct entity *entity, const struct field *f,
	struct bytes record)
{
	unsigned class = f->class;

	if (f->flags & F_PERSONAL_IF_PERSON) {
		const struct field *kind = entity_field_named(entity, "kind");
		if (kind && c->person_kind && record_number(record, kind->tag) == c->person_kind)
			class = CLASS_PERSONAL;
	}
	if (f->flags & F_CLASSED) {
		const struct field *says = entity_field_named(entity, "data_class");
		uint64_t entry = says ? record_number(record, says->tag) : 0;
		for (unsigned i = CLASS_PERSONAL; entry && i <= CLASS_COST; i++)
			if (c->class_entries[i] == entry)
				class = i;
	}
	return !(c->class_mask & 1u << class);
}
