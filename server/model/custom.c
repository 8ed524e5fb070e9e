/* Fields that an administrator adds: records of custom_field, read as rows of the tables are. */
#include "common/text.h"
#include "server/model/computed.h"
#include "server/model/draft.h"
#include <glib.h>

#define PER_ENTITY 100 /* in use */
#define IN_ALL 300     /* also those in the trash */
#define TAG_LAST 65000u

/* A record of custom_field as it was read. */
struct custom {
	uint64_t id;
	bool trash;
	int64_t order;
	const struct entity *entity; /* that it adds to, as the tables have it; NULL unknown */
	struct field field;
};

/* The tag is the record's number, so it is never given twice. */
static uint16_t tag_of(uint64_t id)
{
	return (uint16_t)(TAG_CUSTOM + id - 1);
}

/* ---- Reading ---- */

static const char *arena_print(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static const char *arena_print(struct arena *arena, const char *format, ...)
{
	char room[128];
	va_list args;

	va_start(args, format);
	vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	return arena_str(arena, bytes_str(room));
}

struct reading {
	struct txn *txn;
	struct arena *arena;
	const struct schema *base;
	const struct entity *en; /* custom_field */
	struct buf room;
	struct custom *list;
	size_t n;
};

static const char *text_in(struct reading *r, struct bytes fields, const char *name)
{
	struct bytes text = model_text(r->en, fields, name);

	return text.len ? arena_str(r->arena, text) : NULL;
}

/* The code of the record that a reference or choice names; NULL if there is none. */
static const char *code_in(
	struct reading *r, enum entity_number number, struct bytes fields, const char *name)
{
	const struct entity *en = schema_entity_by_number(r->base, (uint16_t)number);
	uint64_t id = model_number(r->en, fields, name);
	struct buf room = BUF_INIT;
	const char *code = NULL;
	struct stored s;

	if (id && !store_get(r->txn, &scope_all, en, id, &room, &s, NULL))
		code = arena_str(r->arena, model_text(en, s.fields, "code"));
	buf_free(&room);
	return code;
}

static enum field_class class_in(struct reading *r, struct bytes fields)
{
	const char *code = code_in(r, ENTITY_DICTIONARY_ENTRY, fields, "data_class");

	for (enum field_class c = CLASS_PUBLIC; code && c <= CLASS_COST; c++)
		if (!strcmp(code, field_class_name(c)))
			return c;
	return CLASS_PUBLIC;
}

static uint32_t flags_in(const struct reading *r, struct bytes fields)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} bits[] = { { "required", F_REQUIRED }, { "unique", F_UNIQUE }, { "indexed", F_INDEXED },
		{ "searchable", F_SEARCH }, { "list_column", F_LIST } };
	uint32_t flags = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(bits); i++)
		if (model_number(r->en, fields, bits[i].name))
			flags |= bits[i].flag;
	return flags;
}

/* False when it says no field: of a type or an entity that this program does not know. */
static bool read_custom(struct reading *r, const struct stored *s, struct custom *c)
{
	struct bytes f = s->fields, entity = model_text(r->en, f, "entity");
	const char *type = code_in(r, ENTITY_DICTIONARY_ENTRY, f, "type");
	const char *only = code_in(r, ENTITY_DICTIONARY_ENTRY, f, "kind");
	const struct field *max = entity_field_named(r->en, "max_length");

	*c = (struct custom){ .id = s->id,
		.trash = s->deleted,
		.order = record_signed(f, entity_field_named(r->en, "sort_order")->tag),
		.entity = schema_entity(r->base, entity) };
	c->field = (struct field){ .tag = tag_of(s->id),
		.max = (uint16_t)record_signed(f, max->tag),
		.class = class_in(r, f),
		.flags = flags_in(r, f),
		.name = text_in(r, f, "field"),
		.zh = text_in(r, f, "label_zh"),
		.en = text_in(r, f, "label_en"),
		.initial = text_in(r, f, "initial"),
		.refers_to = text_in(r, f, "refers_to"),
		.only = only ? arena_print(r->arena, "kind=%s", only) : NULL };
	if (!type || !type_from_name(bytes_str(type), &c->field.type) || !c->entity ||
		!c->field.name)
		return false;
	if (c->field.type == T_CHOICE || c->field.type == T_CHOICES)
		c->field.refers_to = code_in(r, ENTITY_DICTIONARY, f, "dictionary");
	if (c->field.initial)
		c->field.flags |= F_DEFAULTED;
	if (s->deleted || !model_number(r->en, f, "active"))
		c->field.flags |= F_RETIRED;
	return c->field.refers_to || (c->field.type != T_CHOICE && c->field.type != T_CHOICES &&
					     !type_is_reference(c->field.type));
}

static int by_order(const void *a, const void *b)
{
	const struct custom *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* All of them, as they stand on a form. */
static enum status read_all(struct reading *r, struct error *e)
{
	uint64_t next = 1;
	enum status s = store_next_id(r->txn, r->en, &next, e);
	struct stored record;

	r->list = arena_calloc(r->arena, next, sizeof(*r->list));
	if (!s && !r->list)
		return error_set(e, STATUS_INTERNAL, "too many custom fields");
	for (uint64_t id = 1; !s && id < next; id++) {
		s = store_get(r->txn, &scope_all, r->en, id, &r->room, &record, e);
		if (s == STATUS_NOT_FOUND) {
			error_clear(e);
			s = STATUS_OK;
		} else if (!s && read_custom(r, &record, &r->list[r->n])) {
			r->n++;
		}
	}
	qsort(r->list, r->n, sizeof(*r->list), by_order);
	return s;
}

static struct reading reading_of(struct txn *t, struct arena *arena)
{
	const struct schema *base = store_schema(txn_store(t));

	return (struct reading){ .txn = t,
		.arena = arena,
		.base = base,
		.en = schema_entity_by_number(base, ENTITY_CUSTOM_FIELD) };
}

/* ---- The fields of the schema ---- */

/* A name that a field of the tables has taken since: what was entered stays within reach by another one. */
static void step_aside(struct reading *r, struct custom *c)
{
	if (c->field.flags & F_RETIRED)
		return;
	if (entity_field_named(c->entity, c->field.name))
		c->field.name = arena_print(r->arena, "custom_%u", c->field.tag);
	if (c->field.zh && entity_field_named(c->entity, c->field.zh))
		c->field.zh = c->field.name;
	if (c->field.en && entity_field_named(c->entity, c->field.en))
		c->field.en = c->field.name;
}

enum status model_custom_fields(
	struct txn *t, struct arena *arena, struct extra_field **out, size_t *n, struct error *e)
{
	struct reading r = reading_of(t, arena);
	enum status s;

	*n = 0;
	if (!r.en)
		return STATUS_OK;
	s = read_all(&r, e);
	*out = s ? NULL : arena_calloc(arena, r.n + 1, sizeof(**out));
	for (size_t i = 0; *out && i < r.n; i++) {
		step_aside(&r, &r.list[i]);
		(*out)[(*n)++] = (struct extra_field){ .entity = r.list[i].entity->number,
			.field = r.list[i].field };
	}
	buf_free(&r.room);
	return s || *out ? s : error_set(e, STATUS_INTERNAL, "too many custom fields");
}

/* ---- What must hold ---- */

static bool same_word(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;

	if (a && b) {
		text_fold(&x, bytes_str(a));
		text_fold(&y, bytes_str(b));
	}
	bool same = x.len && bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* Whether a field that is in use has this name already; id: of the one that asks. */
static bool name_taken(
	const struct reading *r, const struct entity *entity, uint64_t id, const char *name)
{
	if (!name)
		return false;
	if (entity_field_named(entity, name))
		return true;
	for (size_t i = 0; i < r->n; i++) {
		const struct custom *c = &r->list[i];
		const struct field *f = &c->field;
		if (c->entity == entity && c->id != id && !(f->flags & F_RETIRED) &&
			(same_word(f->name, name) || same_word(f->zh, name) ||
				same_word(f->en, name)))
			return true;
	}
	return false;
}

/* What cannot be told from the rest of an assignment, a filter or a list of columns. */
static void check_label(struct draft *d, const char *field)
{
	struct bytes text = draft_text(d, field);

	for (size_t i = 0; i < text.len; i++)
		if (strchr("=<>!~|,;\"", text.data[i])) {
			draft_bad(d, field, "has one of = < > ! ~ | , ; \" in it");
			return;
		}
	if (text.len && strchr("+-@", text.data[0]))
		draft_bad(d, field, "begins with one of + - @");
}

static void check_identifier(struct draft *d)
{
	static const char *const words[] = { "and", "or", "not", "in", "is", "empty", "id" };
	struct bytes text = draft_text(d, "field");
	bool good = text.len && g_ascii_islower((char)text.data[0]);

	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];
		good &= g_ascii_islower(c) || g_ascii_isdigit(c) || c == '_';
	}
	if (!good)
		draft_bad(d, "field",
			"is not of lower-case letters, digits and _, beginning with a letter");
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (bytes_equal_str(text, words[i]))
			draft_bad(d, "field", "is a word of the filters");
}

static const struct entity *entity_of(struct draft *d, const char *field)
{
	const struct schema *base = store_schema(txn_store(d->w->txn));

	return schema_entity(base, draft_text(d, field));
}

static void check_entity(struct draft *d)
{
	const struct entity *en = entity_of(d, "entity");

	if (!en)
		draft_bad(d, "entity", "is not a known entity");
	else if (en->flags & E_READONLY || en->number == ENTITY_CUSTOM_FIELD ||
		 en->number == ENTITY_SETTING)
		draft_bad(d, "entity", "takes no custom fields");
	else if (draft_has(d, "kind") && en->number != ENTITY_CUSTOMER)
		draft_bad(d, "kind", "is for fields of a customer only");
}

/* What a value once entered depends on. */
static void check_fixed(struct draft *d)
{
	static const char *const always[] = { "entity", "field" };
	static const char *const once_used[] = { "type", "dictionary", "refers_to", "max_length" };

	for (size_t i = 0; i < G_N_ELEMENTS(always); i++)
		if (draft_changed(d, always[i]))
			draft_bad(d, always[i], "cannot be changed");
	if (!store_field_used(d->w->txn, tag_of(d->w->id)))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(once_used); i++)
		if (draft_changed(d, once_used[i]))
			draft_bad(d, once_used[i], "cannot be changed: the field has had values");
	if (draft_changed(d, "unique") && draft_number(d, "unique"))
		draft_bad(d, "unique", "cannot be changed: the field has had values");
}

static bool is_text(enum field_type type)
{
	return type == T_TEXT || type == T_LONG_TEXT || type == T_PHONE || type == T_EMAIL ||
	       type == T_URL || type == T_TAGS;
}

static bool is_choice(enum field_type type)
{
	return type == T_CHOICE || type == T_CHOICES;
}

static bool type_of(const struct draft *d, enum field_type *out)
{
	const char *code = draft_code(d, "type");

	return *code && type_from_name(bytes_str(code), out);
}

static void check_target(struct draft *d, enum field_type type)
{
	const struct entity *to = entity_of(d, "refers_to");

	if (is_choice(type) && !draft_has(d, "dictionary"))
		draft_bad(d, "dictionary", "is missing: a choice needs one");
	if (!is_choice(type) && draft_has(d, "dictionary"))
		draft_bad(d, "dictionary", "is for choices only");
	if (type_is_reference(type) && !draft_has(d, "refers_to"))
		draft_bad(d, "refers_to", "is missing: a reference needs an entity");
	else if (!type_is_reference(type) && draft_has(d, "refers_to"))
		draft_bad(d, "refers_to", "is for references only");
	else if (type_is_reference(type) && !to)
		draft_bad(d, "refers_to", "is not a known entity");
}

static void check_flags(struct draft *d, enum field_type type)
{
	const struct field *max = entity_field_named(d->w->entity, "max_length");
	int64_t longest = record_signed(draft_bytes(d), max->tag);
	bool linked = is_choice(type) || type_is_reference(type);

	if (type_is_list(type) && draft_number(d, "unique"))
		draft_bad(d, "unique", "cannot be told of a list");
	if (type == T_LONG_TEXT && draft_number(d, "indexed"))
		draft_bad(d, "indexed", "cannot be asked of a long text");
	if (linked && !draft_number(d, "indexed"))
		draft_bad(d, "indexed", "cannot be switched off for choices and references");
	if (!is_text(type) && draft_number(d, "searchable"))
		draft_bad(d, "searchable", "is for texts only");
	if (!draft_has(d, "max_length"))
		return;
	if (type != T_TEXT && type != T_LONG_TEXT)
		draft_bad(d, "max_length", "is for texts only");
	else if (longest < 1 || longest > (type == T_TEXT ? 255 : 65535))
		draft_bad(d, "max_length", "is out of range");
}

/* The default is a value of the field. */
static void check_initial(struct draft *d, const struct field *f)
{
	struct parse_context ctx =
		lookup_parse_context(d->w->lookup, d->w->today, zone_find(ZONE_DEFAULT));
	struct bytes text = draft_text(d, "initial");
	struct buf value = BUF_INIT;
	struct error e;

	error_init(&e);
	if ((text.len && text.data[0] == '@') || memchr(text.data, '|', text.len))
		draft_bad(d, "initial", "begins with @ or has a | in it");
	else if (type_parse(f, text, &ctx, &value, &e))
		draft_bad(d, "initial", "%s", e.nfields ? e.fields[0].message : e.message);
	error_clear(&e);
	buf_free(&value);
}

/* The draft as the field that it will be. */
static void check_as_field(struct draft *d, struct reading *r)
{
	struct stored s = { .id = d->w->id, .fields = draft_bytes(d) };
	struct custom c;

	if (read_custom(r, &s, &c) && draft_has(d, "initial"))
		check_initial(d, &c.field);
}

static void check_names(struct draft *d, const struct reading *r)
{
	static const char *const names[] = { "field", "label_zh", "label_en" };
	const struct entity *en = entity_of(d, "entity");
	size_t in_use = 0;

	for (size_t i = 0; en && i < G_N_ELEMENTS(names); i++) {
		char *name = bytes_dup(draft_text(d, names[i]));
		if (draft_number(d, "active") && *name && name_taken(r, en, d->w->id, name))
			draft_bad(d, names[i], "is taken by another field of %s", en->name);
		free(name);
	}
	for (size_t i = 0; !d->w->before && en && i < r->n; i++)
		if (r->list[i].entity == en &&
			bytes_equal_str(draft_text(d, "field"), r->list[i].field.name))
			draft_bad(d, "field", "is taken by another field of %s%s", en->name,
				r->list[i].trash ? ", which is in the trash" : "");
	for (size_t i = 0; i < r->n; i++)
		in_use += r->list[i].entity == en && r->list[i].id != d->w->id &&
			  !(r->list[i].field.flags & F_RETIRED);
	if (en && draft_number(d, "active") && in_use >= PER_ENTITY)
		draft_bad(d, "entity", "has %d custom fields already", PER_ENTITY);
	if (!d->w->before && r->n >= IN_ALL)
		draft_bad(d, "field", "is one too many: there are %d custom fields", IN_ALL);
}

static void check_among_others(struct draft *d)
{
	struct arena *arena = arena_new(4u << 20);
	struct reading r = reading_of(d->w->txn, arena);

	d->failed = read_all(&r, d->e);
	if (!d->failed) {
		check_names(d, &r);
		check_as_field(d, &r);
	}
	buf_free(&r.room);
	arena_free(&arena);
}

static void custom_check(struct draft *d)
{
	enum field_type type;

	check_entity(d);
	if (d->w->before)
		check_fixed(d);
	else
		check_identifier(d);
	check_label(d, "label_zh");
	check_label(d, "label_en");
	if (type_of(d, &type)) {
		check_target(d, type);
		check_flags(d, type);
	} else if (draft_has(d, "type")) {
		draft_bad(d, "type", "is not offered for custom fields");
	}
	check_among_others(d);
}

static void custom_prepare(struct draft *d)
{
	struct buf key = BUF_INIT;
	enum field_type type;

	if (d->w->before)
		return;
	buf_add_bytes(&key, draft_text(d, "entity"));
	buf_add_u8(&key, '.');
	buf_add_bytes(&key, draft_text(d, "field"));
	draft_set_text(d, "key", buf_bytes(&key));
	buf_free(&key);
	if (!type_of(d, &type))
		return;
	if (!draft_has(d, "indexed"))
		draft_set_number(d, "indexed", type != T_LONG_TEXT);
	if (!draft_has(d, "searchable"))
		draft_set_number(d, "searchable", is_text(type));
}

/* One that comes back may find its labels taken. */
static enum status check_return(
	struct txn *t, const struct entity *en, const struct stored *record, struct error *e)
{
	struct arena *arena = arena_new(4u << 20);
	struct reading r = reading_of(t, arena);
	struct custom c;
	enum status s = read_all(&r, e);

	if (!s && read_custom(&r, record, &c) && !(c.field.flags & F_RETIRED) &&
		(name_taken(&r, c.entity, c.id, c.field.name) ||
			name_taken(&r, c.entity, c.id, c.field.zh) ||
			name_taken(&r, c.entity, c.id, c.field.en)))
		s = error_set(e, STATUS_CONFLICT,
			"another field of %s has its name or a label of it by now", c.entity->name);
	buf_free(&r.room);
	arena_free(&arena);
	return s;
}

static enum status custom_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	txn_change_fields(t);
	return before && !after->deleted ? check_return(t, entity, after, e) : STATUS_OK;
}

const struct hooks custom_field_hooks = { .entity = ENTITY_CUSTOM_FIELD,
	.prepare = custom_prepare,
	.check = custom_check,
	.after = custom_after };
