/* What the store derives from the entities' rows, worked out once for each generation of them. */
#include "server/store/generation.h"

const struct scope scope_all = { .all = true, .trash_too = true };

static int by_tag(const void *a, const void *b)
{
	const struct shape_field *x = a, *y = b;
	return (int)x->field->tag - (int)y->field->tag;
}

static bool is_unique(const struct entity *en, const struct field *f)
{
	return (f->flags & F_UNIQUE) ||
	       (en->number_field && strcmp(en->number_field, f->name) == 0);
}

static void fill_fields(struct shape *sh)
{
	const struct entity *en = sh->entity;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		struct shape_field *sf = &sh->fields[sh->nfields++];

		sf->field = f;
		sf->kept = !(f->flags & (F_COMPUTED | F_VIRTUAL));
		sf->indexed = ((f->flags & F_INDEXED) && !(f->flags & F_VIRTUAL)) ||
			      f->tag == TAG_DELETED_AT;
		if (sf->indexed && !key_is_hashed(f))
			sf->reading = entity_field_reading(en, f);
		sf->unique = sf->kept && is_unique(en, f);
		if ((f->match == MATCH_NAME || f->match == MATCH_BIRTHDAY) && sh->nmatches < 2)
			sh->matches[sh->nmatches++] = f;
	}
	qsort(sh->fields, sh->nfields, sizeof(*sh->fields), by_tag);
}

/* What administrators alone change is never purged, and users are named everywhere. */
static void fill_references(const struct schema *schema, struct shape *sh)
{
	for (size_t i = 0; i < sh->nfields; i++) {
		struct shape_field *sf = &sh->fields[i];
		const struct field *f = sf->field;
		const struct entity *to = NULL;

		if (!sf->kept || !(type_is_reference(f->type) || f->type == T_REF_ANY))
			continue;
		if (f->refers_to)
			to = schema_entity(schema, bytes_str(f->refers_to));
		sf->refers = f->type == T_REF_ANY || (to && !(to->flags & E_ADMIN));
		sf->to = to ? to->number : 0;
	}
}

/* Parents stand in the order in which the entity names them: the first that is set wins. */
static void fill_parents(const struct schema *schema, struct shape *sh)
{
	const struct entity *en = sh->entity;

	for (const char *p = en->scope_fields; p && *p; p += strcspn(p, "|"), p += *p == '|') {
		const struct field *f = entity_field(en, bytes_of(p, strcspn(p, "|")));
		const struct entity *to =
			f && f->refers_to ? schema_entity(schema, bytes_str(f->refers_to)) : NULL;
		if (f && (to || f->type == T_REF_ANY))
			sh->parents[sh->nparents++] =
				(struct parent){ f, to ? to->number : (uint16_t)0 };
	}
}

static bool follows(const struct shape *sh, const struct entity *parent)
{
	for (size_t i = 0; i < sh->nparents; i++)
		if (!sh->parents[i].entity || sh->parents[i].entity == parent->number)
			return true;
	return false;
}

static void fill_followers(const struct shape *shapes, size_t n, struct shape *sh)
{
	for (size_t i = 0; i < n; i++)
		if (follows(&shapes[i], sh->entity))
			sh->followers[sh->nfollowers++] = &shapes[i];
}

static const struct field *named(const struct entity *en, const char *name)
{
	return name ? entity_field_named(en, name) : NULL;
}

static bool shape_fill(const struct schema *schema, struct shape *sh, const struct entity *en)
{
	sh->entity = en;
	sh->fields = calloc(en->nfields + 1, sizeof(*sh->fields));
	sh->parents = calloc(en->nfields + 1, sizeof(*sh->parents));
	sh->followers = calloc(schema_count(schema) + 1, sizeof(const struct shape *));
	if (!sh->fields || !sh->parents || !sh->followers)
		return false;
	fill_fields(sh);
	fill_references(schema, sh);
	fill_parents(schema, sh);
	sh->owner = named(en, en->owner_field);
	sh->seen_by = named(en, en->seen_by_field);
	sh->shared = named(en, en->shared_field);
	sh->merged = named(en, en->merged_field);
	sh->team = named(en, "team");
	sh->branch = named(en, "branch");
	if (sh->branch && sh->branch->type != T_REF)
		sh->branch = NULL;
	return true;
}

enum status shapes_build(
	const struct schema *schema, struct shape **out, size_t *n, struct error *e)
{
	struct shape *shapes = calloc(schema_count(schema) + 1, sizeof(*shapes));

	*out = shapes;
	*n = shapes ? schema_count(schema) : 0;
	if (!shapes)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	for (size_t i = 0; i < *n; i++)
		if (!shape_fill(schema, &shapes[i], schema_at(schema, i)))
			return error_set(e, STATUS_INTERNAL, "out of memory");
	for (size_t i = 0; i < *n; i++)
		fill_followers(shapes, *n, &shapes[i]);
	return STATUS_OK;
}

void shapes_free(struct shape *shapes, size_t n)
{
	for (size_t i = 0; shapes && i < n; i++) {
		free(shapes[i].fields);
		free(shapes[i].parents);
		free(shapes[i].followers);
	}
	free(shapes);
}

const struct shape *txn_shape(const struct txn *t, uint16_t entity)
{
	const struct generation *g = t->generation;

	for (size_t i = 0; i < g->nshapes; i++)
		if (g->shapes[i].entity->number == entity)
			return &g->shapes[i];
	return NULL;
}

const struct shape_field *shape_field(const struct shape *sh, uint32_t tag, size_t *at)
{
	while (*at > 0 && sh->fields[*at - 1].field->tag >= tag)
		--*at;
	while (*at < sh->nfields && sh->fields[*at].field->tag < tag)
		++*at;
	if (*at < sh->nfields && sh->fields[*at].field->tag == tag)
		return &sh->fields[*at];
	return NULL;
}
