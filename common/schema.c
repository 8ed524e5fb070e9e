#include "common/schema.h"
#include "common/frame.h"
#include "common/text.h"
#include "common/type.h"
#include <glib.h>

#define FLAGS_SENT 0xffffu
#define HASH_BYTES 32
#define SCHEMA_BYTES_MAX (4u << 20)

struct schema {
	struct arena *arena; /* names and fields */
	struct entity *entities;
	size_t n;
	uint8_t hash[HASH_BYTES];
};

static const struct field common_fields[] = {
	{ .tag = TAG_EXTERNAL_ID,
		.name = "external_id",
		.type = T_TEXT,
		.flags = F_UNIQUE | F_INDEXED,
		.zh = "外部编号",
		.en = "External id" },
	{ .tag = TAG_CREATED_AT,
		.name = "created_at",
		.type = T_DATETIME,
		.flags = F_INDEXED | F_DEFAULTED,
		.zh = "创建时间",
		.en = "Created at" },
	{ .tag = TAG_UPDATED_AT,
		.name = "updated_at",
		.type = T_DATETIME,
		.flags = F_INDEXED | F_READONLY,
		.zh = "更新时间",
		.en = "Updated at" },
	{ .tag = TAG_CREATED_BY,
		.name = "created_by",
		.type = T_REF,
		.refers_to = "user",
		.flags = F_INDEXED | F_DEFAULTED,
		.zh = "创建人",
		.en = "Created by" },
	{ .tag = TAG_UPDATED_BY,
		.name = "updated_by",
		.type = T_REF,
		.refers_to = "user",
		.flags = F_INDEXED | F_READONLY,
		.zh = "更新人",
		.en = "Updated by" },
	{ .tag = TAG_DELETED_AT,
		.name = "deleted_at",
		.type = T_DATETIME,
		.flags = F_INDEXED | F_READONLY,
		.zh = "删除时间",
		.en = "Deleted at" },
	{ .tag = TAG_DELETED_BY,
		.name = "deleted_by",
		.type = T_REF,
		.refers_to = "user",
		.flags = F_READONLY,
		.zh = "删除人",
		.en = "Deleted by" },
	{ .tag = TAG_ID,
		.name = "id",
		.type = T_INTEGER,
		.flags = F_VIRTUAL | F_INDEXED,
		.zh = "编号",
		.en = "Id" },
	{ .tag = TAG_VERSION,
		.name = "version",
		.type = T_INTEGER,
		.flags = F_VIRTUAL,
		.zh = "版本",
		.en = "Version" },
};
#define NCOMMON (sizeof(common_fields) / sizeof(common_fields[0]))

/* The next part of a list separated by |; false at the end. */
static bool next_part(const char **list, struct bytes *part)
{
	const char *at = *list;

	if (!at || !*at)
		return false;
	*part = bytes_of(at, strcspn(at, "|"));
	*list = at + part->len + (at[part->len] == '|');
	return true;
}

static inline bool same_identifier(struct bytes a, const char *b)
{
	size_t i;

	if (a.len == 0 || a.data[0] != (uint8_t)b[0]) /* of most, and no name begins with a line */
		return false;
	for (i = 0; i < a.len && b[i]; i++) {
		uint8_t c = a.data[i] == '-' ? '_' : a.data[i];
		if (c != (uint8_t)b[i])
			return false;
	}
	return i == a.len && !b[i];
}

static bool same_folded(struct bytes folded, struct bytes label, struct buf *scratch)
{
	buf_clear(scratch);
	text_fold(scratch, label);
	return bytes_equal(folded, buf_bytes(scratch));
}

/* Label or alias as it stands. */
static bool labelled(const struct field *f, struct bytes name)
{
	const char *alias = f->alias;
	struct bytes part;

	if ((f->zh && bytes_equal_str(name, f->zh)) || (f->en && bytes_equal_str(name, f->en)))
		return true;
	while (next_part(&alias, &part)) {
		if (bytes_equal(part, name))
			return true;
	}
	return false;
}

/* Identifier, label or alias, folded. */
static bool labelled_folded(const struct field *f, struct bytes folded, struct buf *scratch)
{
	const char *alias = f->alias;
	struct bytes part;

	if (same_folded(folded, bytes_str(f->name), scratch) ||
		(f->zh && same_folded(folded, bytes_str(f->zh), scratch)) ||
		(f->en && same_folded(folded, bytes_str(f->en), scratch)))
		return true;
	while (next_part(&alias, &part)) {
		if (same_folded(folded, part, scratch))
			return true;
	}
	return false;
}

static const struct field *find_folded(const struct entity *en, struct bytes name)
{
	struct buf folded = BUF_INIT, scratch = BUF_INIT;
	const struct field *found = NULL;

	text_fold(&folded, text_trim(name));
	for (size_t i = 0; i < en->nfields && !found && folded.len > 0; i++) {
		const struct field *f = &en->fields[i];
		if (!(f->flags & F_RETIRED) && labelled_folded(f, buf_bytes(&folded), &scratch))
			found = f;
	}
	buf_free(&folded);
	buf_free(&scratch);
	return found;
}

const struct field *entity_field(const struct entity *en, struct bytes name)
{
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (!(f->flags & F_RETIRED) && same_identifier(name, f->name))
			return f;
	}
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (!(f->flags & F_RETIRED) && labelled(f, name))
			return f;
	}
	return find_folded(en, name);
}

const struct field *entity_field_exact(const struct entity *en, const char *name)
{
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f->name[0] == name[0] && strcmp(f->name, name) == 0 && !(f->flags & F_RETIRED))
			return f;
	}
	return NULL;
}

const struct field *entity_field_by_tag(const struct entity *en, uint32_t tag)
{
	/* Tables mostly number their fields from 1 in order. */
	if (tag - 1 < en->nfields && en->fields[tag - 1].tag == tag)
		return &en->fields[tag - 1];
	for (size_t i = en->nfields; i-- > 0;) {
		if (en->fields[i].tag == tag)
			return &en->fields[i];
	}
	return NULL;
}

const struct field *entity_field_reading(const struct entity *en, const struct field *f)
{
	size_t len = strlen(f->name);

	for (size_t i = 0; i < en->nfields && (f->flags & F_NAME); i++) {
		const struct field *g = &en->fields[i];
		if (strncmp(g->name, f->name, len) == 0 && strcmp(g->name + len, "_reading") == 0)
			return g->flags & F_RETIRED ? NULL : g;
	}
	return NULL;
}

size_t schema_count(const struct schema *s)
{
	return s->n;
}

const struct entity *schema_at(const struct schema *s, size_t i)
{
	return i < s->n ? &s->entities[i] : NULL;
}

const struct entity *schema_entity(const struct schema *s, struct bytes name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (same_identifier(name, s->entities[i].name))
			return &s->entities[i];
	}
	return NULL;
}

const struct entity *schema_entity_by_number(const struct schema *s, uint16_t number)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->entities[i].number == number)
			return &s->entities[i];
	}
	return NULL;
}

static const char *suggest(struct bytes name, const char *const *names, size_t n)
{
	char *word = bytes_dup(name);
	const char *nearest = text_nearest(word, names, n);

	free(word);
	return nearest;
}

const char *entity_field_suggest(const struct entity *en, struct bytes name)
{
	const char **names = g_new(const char *, en->nfields * 3 + 1);
	const char *nearest;
	size_t n = 0;

	for (size_t i = 0; i < en->nfields; i++) {
		if (en->fields[i].flags & F_RETIRED)
			continue;
		names[n++] = en->fields[i].name;
		if (en->fields[i].zh)
			names[n++] = en->fields[i].zh;
		if (en->fields[i].en)
			names[n++] = en->fields[i].en;
	}
	nearest = name.len <= 255 ? suggest(name, names, n) : NULL;
	g_free(names);
	if (!nearest)
		return NULL;
	return entity_field(en, bytes_str(nearest))->name;
}

const char *schema_entity_suggest(const struct schema *s, struct bytes name)
{
	const char **names = g_new(const char *, s->n + 1);
	const char *nearest;

	for (size_t i = 0; i < s->n; i++)
		names[i] = s->entities[i].name;
	nearest = name.len <= 255 ? suggest(name, names, s->n) : NULL;
	g_free(names);
	return nearest;
}

static const char *const class_names[] = { "public", "personal", "sensitive", "cost" };

const char *field_class_name(enum field_class class)
{
	return class_names[class];
}

enum field_class field_strictest(const struct field *f)
{
	if ((f->flags & F_PERSONAL_IF_PERSON) && f->class == CLASS_PUBLIC)
		return CLASS_PERSONAL;
	return f->class;
}

static bool class_from_name(struct bytes name, enum field_class *out)
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++) {
		if (bytes_equal_str(name, class_names[i])) {
			*out = (enum field_class)i;
			return true;
		}
	}
	return false;
}

/* Hash: every string with its length, so that no two schemas run together. */

static void hash_number(GChecksum *sum, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	g_checksum_update(sum, b, sizeof(b));
}

static void hash_text(GChecksum *sum, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	hash_number(sum, (uint32_t)len);
	if (len > 0)
		g_checksum_update(sum, (const guchar *)s, (gssize)len);
}

static void hash_field(GChecksum *sum, const struct field *f)
{
	hash_number(sum, f->tag);
	hash_text(sum, f->name);
	hash_text(sum, type_name(f->type));
	hash_text(sum, f->zh);
	hash_text(sum, f->en);
	hash_text(sum, f->alias);
	hash_text(sum, f->refers_to);
	hash_text(sum, field_class_name(f->class));
	hash_number(sum, f->max);
	hash_number(sum, f->flags & FLAGS_SENT);
}

static void make_hash(struct schema *s)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize len = sizeof(s->hash);

	for (size_t i = 0; i < s->n; i++) {
		const struct entity *en = &s->entities[i];

		hash_number(sum, en->number);
		hash_text(sum, en->name);
		hash_text(sum, en->zh);
		hash_text(sum, en->en);
		hash_text(sum, en->name_field);
		hash_text(sum, en->number_field);
		hash_number(sum, (uint32_t)en->nfields);
		for (size_t k = 0; k < en->nfields; k++)
			hash_field(sum, &en->fields[k]);
	}
	g_checksum_get_digest(sum, s->hash, &len);
	g_checksum_free(sum);
}

struct bytes schema_hash(const struct schema *s)
{
	return bytes_of(s->hash, sizeof(s->hash));
}

/* Building. */

static enum status broken(
	struct error *e, const struct entity *en, const struct field *f, const char *what)
{
	return error_set(
		e, STATUS_INTERNAL, "schema is broken: \"%s.%s\" %s", en->name, f->name, what);
}

/* False when another field has that name already. */
static bool claim(GHashTable *seen, struct bytes name, const struct field *f)
{
	struct buf folded = BUF_INIT;
	const struct field *owner;
	char *key;

	text_fold(&folded, name);
	key = g_strndup((const char *)folded.data, folded.len);
	buf_free(&folded);
	owner = g_hash_table_lookup(seen, key);
	g_hash_table_insert(seen, key, (gpointer)f);
	return !owner || owner == f;
}

static bool claim_names(GHashTable *seen, const struct field *f)
{
	const char *alias = f->alias;
	struct bytes part;

	if (!claim(seen, bytes_str(f->name), f) || (f->zh && !claim(seen, bytes_str(f->zh), f)) ||
		(f->en && !claim(seen, bytes_str(f->en), f)))
		return false;
	while (next_part(&alias, &part)) {
		if (!claim(seen, part, f))
			return false;
	}
	return true;
}

static const char *refers_badly(const struct schema *s, const struct field *f)
{
	bool choice = f->type == T_CHOICE || f->type == T_CHOICES;

	if (choice && !f->refers_to)
		return "names no dictionary";
	if (!type_is_reference(f->type) || f->flags & F_UNAVAILABLE)
		return NULL;
	if (!f->refers_to || !schema_entity(s, bytes_str(f->refers_to)))
		return "refers to an entity that does not exist";
	return NULL;
}

static enum status check_fields(const struct schema *s, const struct entity *en, struct error *e)
{
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	enum status st = STATUS_OK;

	for (size_t i = 0; i < en->nfields && !st; i++) {
		const struct field *f = &en->fields[i];
		const char *bad = refers_badly(s, f);

		for (size_t k = 0; k < i && !bad; k++) {
			if (en->fields[k].tag == f->tag)
				bad = "has a tag that occurs twice";
		}
		if (!bad && !(f->flags & F_RETIRED) && !claim_names(seen, f))
			bad = "has a name, label or alias that occurs twice";
		if (bad)
			st = broken(e, en, f, bad);
	}
	g_hash_table_destroy(seen);
	return st;
}

static enum status check_named(const struct entity *en, const char *list, struct error *e)
{
	struct bytes part;

	while (next_part(&list, &part)) {
		bool found = false;
		for (size_t i = 0; i < en->nfields && !found; i++)
			found = bytes_equal_str(part, en->fields[i].name);
		if (!found)
			return error_set(e, STATUS_INTERNAL,
				"schema is broken: \"%s\" has no field \"%.*s\"", en->name,
				(int)part.len, (const char *)part.data);
	}
	return STATUS_OK;
}

static enum status check_entity(const struct schema *s, const struct entity *en, struct error *e)
{
	const char *const named[] = { en->name_field, en->number_field, en->scope_fields,
		en->owner_field, en->seen_by_field, en->shared_field };
	enum status st = check_fields(s, en, e);

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]) && !st; i++)
		st = check_named(en, named[i], e);
	for (size_t i = 0; i < en->nfields && !st; i++) {
		const struct field *f = &en->fields[i];
		const char *const of_field[] = { f->remind_days, f->remind_time, f->remind_user,
			f->remind_workday, f->not_before, f->unique_with, f->remind_until };
		for (size_t k = 0; k < G_N_ELEMENTS(of_field) && !st; k++)
			st = check_named(en, of_field[k], e);
	}
	return st;
}

static enum status check_schema(const struct schema *s, struct error *e)
{
	enum status st = STATUS_OK;

	for (size_t i = 0; i < s->n && !st; i++) {
		const struct entity *en = &s->entities[i];
		for (size_t k = 0; k < i; k++) {
			if (s->entities[k].number == en->number ||
				same_identifier(bytes_str(en->name), s->entities[k].name))
				return error_set(e, STATUS_INTERNAL,
					"schema is broken: entity \"%s\" occurs twice", en->name);
		}
		st = check_entity(s, en, e);
	}
	return st;
}

static struct schema *schema_new(size_t n)
{
	struct schema *s = g_new0(struct schema, 1);

	s->arena = arena_new(SCHEMA_BYTES_MAX);
	s->entities = g_new0(struct entity, n + 1);
	s->n = n;
	return s;
}

void schema_free(struct schema **s)
{
	if (!s || !*s)
		return;
	arena_free(&(*s)->arena);
	g_free((*s)->entities);
	g_free(*s);
	*s = NULL;
}

static enum status too_large(struct error *e)
{
	return error_set(e, STATUS_INTERNAL, "schema is larger than %u bytes", SCHEMA_BYTES_MAX);
}

static enum status fill_entity(
	struct schema *s, struct entity *en, const struct field *rows, bool users, struct error *e)
{
	struct field *fields;
	size_t n = 0;

	while (rows[n].tag != 0)
		n++;
	fields = arena_calloc(s->arena, n + NCOMMON, sizeof(*fields));
	if (!fields)
		return too_large(e);
	memcpy(fields, rows, n * sizeof(*fields));
	memcpy(fields + n, common_fields, sizeof(common_fields));
	for (size_t i = n; i < n + NCOMMON && !users; i++) {
		if (fields[i].type == T_REF)
			fields[i].flags |= F_UNAVAILABLE;
	}
	en->fields = fields;
	en->nfields = n + NCOMMON;
	return STATUS_OK;
}

static enum status finish(struct schema *s, enum status st, struct schema **out, struct error *e)
{
	if (!st)
		st = check_schema(s, e);
	if (st) {
		schema_free(&s);
		return st;
	}
	make_hash(s);
	*out = s;
	return STATUS_OK;
}

enum status schema_build(
	const struct entity_table *tables, size_t n, struct schema **out, struct error *e)
{
	struct schema *s = schema_new(n);
	enum status st = STATUS_OK;
	bool users;

	for (size_t i = 0; i < n; i++)
		s->entities[i] = tables[i].entity;
	users = schema_entity(s, bytes_str("user")) != NULL;
	for (size_t i = 0; i < n && !st; i++)
		st = fill_entity(s, &s->entities[i], tables[i].rows, users, e);
	return finish(s, st, out, e);
}

/* More fields. */

static bool keep_text(struct schema *s, const char **text)
{
	if (*text)
		*text = arena_str(s->arena, bytes_str(*text));
	return *text != NULL;
}

static bool keep_texts(struct schema *s, struct field *f)
{
	const char **const texts[] = { &f->name, &f->zh, &f->en, &f->alias, &f->refers_to,
		&f->initial, &f->only };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (*texts[i] && !keep_text(s, texts[i]))
			return false;
	return true;
}

static enum status extend_entity(struct schema *s, struct entity *en,
	const struct extra_field *extra, size_t n, struct error *e)
{
	struct field *fields;
	size_t more = 0;

	for (size_t i = 0; i < n; i++)
		more += extra[i].entity == en->number;
	if (more == 0)
		return STATUS_OK;
	fields = arena_calloc(s->arena, en->nfields + more, sizeof(*fields));
	if (!fields)
		return too_large(e);
	memcpy(fields, en->fields, en->nfields * sizeof(*fields));
	for (size_t i = 0; i < n; i++) {
		if (extra[i].entity != en->number)
			continue;
		fields[en->nfields] = extra[i].field;
		if (!keep_texts(s, &fields[en->nfields++]))
			return too_large(e);
	}
	en->fields = fields;
	return STATUS_OK;
}

enum status schema_extend(const struct schema *base, const struct extra_field *extra, size_t n,
	struct schema **out, struct error *e)
{
	struct schema *s = schema_new(base->n);
	enum status st = STATUS_OK;

	memcpy(s->entities, base->entities, base->n * sizeof(*base->entities));
	for (size_t i = 0; i < s->n && !st; i++)
		st = extend_entity(s, &s->entities[i], extra, n, e);
	/* the others were checked when the base was built */
	for (size_t i = 0; i < s->n && !st; i++)
		if (s->entities[i].fields != base->entities[i].fields)
			st = check_entity(s, &s->entities[i], e);
	if (st) {
		schema_free(&s);
		return st;
	}
	make_hash(s);
	*out = s;
	return STATUS_OK;
}

/* To and from the message. */

static ProtobufCBinaryData text_of(const char *s)
{
	return pb_from(bytes_str(s ? s : ""));
}

static Guanxi__Field *field_to_message(const struct field *f, struct arena *arena)
{
	Guanxi__Field *m = arena_calloc(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	guanxi__field__init(m);
	m->tag = f->tag;
	m->name = text_of(f->name);
	m->type = text_of(type_name(f->type));
	m->has_label_zh = f->zh != NULL;
	m->label_zh = text_of(f->zh);
	m->has_label_en = f->en != NULL;
	m->label_en = text_of(f->en);
	m->has_refers_to = f->refers_to != NULL;
	m->refers_to = text_of(f->refers_to);
	m->has_max = f->max != 0;
	m->max = f->max;
	m->has_class_ = f->class != CLASS_PUBLIC;
	m->class_ = text_of(field_class_name(f->class));
	m->has_flags = true;
	m->flags = f->flags & FLAGS_SENT;
	m->has_alias = f->alias != NULL;
	m->alias = text_of(f->alias);
	return m;
}

static uint32_t tag_named(const struct entity *en, const char *name)
{
	const struct field *f = name ? entity_field_named(en, name) : NULL;

	return f ? f->tag : 0;
}

static Guanxi__Entity *entity_to_message(const struct entity *en, struct arena *arena)
{
	Guanxi__Entity *m = arena_calloc(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	guanxi__entity__init(m);
	m->number = en->number;
	m->name = text_of(en->name);
	m->has_label_zh = en->zh != NULL;
	m->label_zh = text_of(en->zh);
	m->has_label_en = en->en != NULL;
	m->label_en = text_of(en->en);
	m->name_tag = tag_named(en, en->name_field);
	m->has_name_tag = m->name_tag != 0;
	m->number_tag = tag_named(en, en->number_field);
	m->has_number_tag = m->number_tag != 0;
	m->field = arena_calloc(arena, en->nfields, sizeof(*m->field));
	if (!m->field)
		return NULL;
	for (; m->n_field < en->nfields; m->n_field++) {
		m->field[m->n_field] = field_to_message(&en->fields[m->n_field], arena);
		if (!m->field[m->n_field])
			return NULL;
	}
	return m;
}

Guanxi__Schema *schema_to_message(const struct schema *s, struct arena *arena)
{
	Guanxi__Schema *m = arena_calloc(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	guanxi__schema__init(m);
	m->hash = pb_from(schema_hash(s));
	m->entity = arena_calloc(arena, s->n + 1, sizeof(*m->entity));
	if (!m->entity)
		return NULL;
	for (; m->n_entity < s->n; m->n_entity++) {
		m->entity[m->n_entity] = entity_to_message(&s->entities[m->n_entity], arena);
		if (!m->entity[m->n_entity])
			return NULL;
	}
	return m;
}

/* A copy of a label; *out stays NULL when there is none. */
static bool copy_label(
	struct schema *s, bool has, ProtobufCBinaryData from, size_t max, const char **out)
{
	char why[96];

	if (!has || from.len == 0)
		return true;
	if (!text_valid(pb_bytes(from), TEXT_LINE, max, why))
		return false;
	*out = arena_str(s->arena, pb_bytes(from));
	return *out != NULL;
}

static bool copy_identifier(struct schema *s, bool has, ProtobufCBinaryData from, const char **out)
{
	for (size_t i = 0; has && i < from.len; i++) {
		char c = (char)from.data[i];
		if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '_')
			return false;
	}
	return copy_label(s, has, from, 64, out);
}

static bool field_from_message(struct schema *s, const Guanxi__Field *m, struct field *f)
{
	*f = (struct field){ .tag = (uint16_t)m->tag,
		.max = m->has_max ? (uint16_t)m->max : 0,
		.flags = m->has_flags ? m->flags & FLAGS_SENT : 0 };
	if (m->tag == 0 || m->tag > UINT16_MAX || (m->has_max && m->max > UINT16_MAX) ||
		!type_from_name(pb_bytes(m->type), &f->type) ||
		(m->has_class_ && !class_from_name(pb_bytes(m->class_), &f->class)))
		return false;
	if (!copy_identifier(s, true, m->name, &f->name) || !f->name ||
		!copy_identifier(s, m->has_refers_to, m->refers_to, &f->refers_to) ||
		!copy_label(s, m->has_label_zh, m->label_zh, 255, &f->zh) ||
		!copy_label(s, m->has_label_en, m->label_en, 255, &f->en) ||
		!copy_label(s, m->has_alias, m->alias, 1000, &f->alias))
		return false;
	return f->refers_to ||
	       (!type_is_reference(f->type) && f->type != T_CHOICE && f->type != T_CHOICES);
}

static const char *name_of_tag(const struct entity *en, bool has, uint32_t tag)
{
	const struct field *f = has ? entity_field_by_tag(en, tag) : NULL;

	return f ? f->name : NULL;
}

static bool entity_from_message(struct schema *s, const Guanxi__Entity *m, struct entity *en)
{
	struct field *fields = arena_calloc(s->arena, m->n_field + 1, sizeof(*fields));

	en->number = (uint16_t)m->number;
	if (!fields || m->number == 0 || m->number > UINT16_MAX ||
		!copy_identifier(s, true, m->name, &en->name) || !en->name ||
		!copy_label(s, m->has_label_zh, m->label_zh, 255, &en->zh) ||
		!copy_label(s, m->has_label_en, m->label_en, 255, &en->en))
		return false;
	en->fields = fields;
	for (; en->nfields < m->n_field; en->nfields++) {
		if (!field_from_message(s, m->field[en->nfields], &fields[en->nfields]))
			return false;
	}
	en->name_field = name_of_tag(en, m->has_name_tag, m->name_tag);
	en->number_field = name_of_tag(en, m->has_number_tag, m->number_tag);
	return true;
}

enum status schema_from_message(const Guanxi__Schema *message, struct schema **out, struct error *e)
{
	struct schema *s = schema_new(message->n_entity);

	for (size_t i = 0; i < message->n_entity; i++) {
		if (!entity_from_message(s, message->entity[i], &s->entities[i])) {
			schema_free(&s);
			return error_set(e, STATUS_INVALID,
				"schema of the server cannot be used: entity %zu is not understood",
				i + 1);
		}
	}
	make_hash(s);
	if (message->hash.len == HASH_BYTES)
		memcpy(s->hash, message->hash.data, HASH_BYTES);
	*out = s;
	return STATUS_OK;
}

bool id_parse(struct bytes text, uint64_t *id)
{
	uint64_t n;

	if (!text_number(text, &n) || n == 0 || n > ANY_ID_MAX)
		return false;
	*id = n;
	return true;
}
