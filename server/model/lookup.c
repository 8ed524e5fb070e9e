#include "server/model/lookup.h"
#include "common/text.h"
#include "server/model/portable.h"
#include "server/model/settings.h"
#include "server/store/reads.h"
#include <glib.h>

#define ALLOWED_LONG 150 /* of the choices that a message names */

struct dictionary {
	uint64_t id;
	GPtrArray *entries; /* NULL until they are walked; of struct entry */
	GHashTable *words;  /* folded code or label -> struct entry */
};

/* What is remembered of a record. */
struct seen {
	bool there;
	struct bytes fields;  /* with known */
	struct bytes display; /* with named */
	bool known, named;
	struct reads reads; /* that it was found by; the marks lie in the arena */
};

/* More than the numbers of the entities. */
#define NUMBERED 64

struct lookup {
	struct txn *txn;
	const struct scope *scope;
	const struct schema *schema;
	struct arena *arena;
	bool chinese;
	GHashTable *dictionaries; /* code -> struct dictionary */
	GHashTable *entries;      /* id -> struct entry, in the arena */
	GHashTable *keys;         /* "dictionary.code" -> id */
	GHashTable *seen;         /* any_ref() -> struct seen */
	GHashTable *texts;        /* "entity\ntext" -> id */
	GHashTable *settings;     /* name -> struct bytes, in the arena */
	uint64_t next_number[NUMBERED];
	struct reads *shared; /* see lookup_share_reads */
	size_t by_name;       /* references that were given by anything but an id */
	bool numbers_later;
	uint16_t numbered; /* tag of the number that was put off; 0: none */
};

static void dictionary_free(void *p)
{
	struct dictionary *d = p;

	if (d->entries)
		g_ptr_array_free(d->entries, TRUE);
	if (d->words)
		g_hash_table_destroy(d->words);
	g_free(d);
}

struct lookup *lookup_new(struct txn *t, const struct scope *scope, const struct schema *schema,
	bool chinese, struct arena *arena)
{
	struct lookup *l = g_new0(struct lookup, 1);

	*l = (struct lookup){ .txn = t,
		.scope = scope,
		.schema = schema,
		.arena = arena,
		.chinese = chinese,
		.dictionaries =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, dictionary_free),
		.entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
	return l;
}

void lookup_free(struct lookup **l)
{
	if (!l || !*l)
		return;
	g_hash_table_destroy((*l)->dictionaries);
	g_hash_table_destroy((*l)->entries);
	g_hash_table_destroy((*l)->keys);
	g_hash_table_destroy((*l)->seen);
	g_hash_table_destroy((*l)->texts);
	g_hash_table_destroy((*l)->settings);
	g_free(*l);
	*l = NULL;
}

/* What is remembered is read once, for all who ask later. */
static struct reads *load_begin(struct lookup *l)
{
	return l->shared ? txn_note_reads(l->txn, l->shared) : NULL;
}

static void load_end(struct lookup *l, struct reads *before)
{
	if (l->shared)
		txn_note_reads(l->txn, before);
}

void lookup_share_reads(struct lookup *l, struct reads *shared)
{
	l->shared = shared;
}

const struct schema *lookup_schema(const struct lookup *l)
{
	return l->schema;
}

struct txn *lookup_txn(const struct lookup *l)
{
	return l->txn;
}

const struct scope *lookup_scope(const struct lookup *l)
{
	return l->scope;
}

const struct entity *lookup_entity(const struct lookup *l, enum entity_number number)
{
	return schema_entity_by_number(l->schema, (uint16_t)number);
}

static gint64 *id_key(uint64_t v)
{
	gint64 *key = g_new(gint64, 1);

	*key = (gint64)v;
	return key;
}

static void *by_id(GHashTable *table, uint64_t id)
{
	gint64 key = (gint64)id;

	return g_hash_table_lookup(table, &key);
}

/* The text of a field as a string in the arena; "" when the arena is full. */
static const char *kept_text(
	struct lookup *l, const struct entity *en, struct bytes fields, const char *name)
{
	const struct field *f = entity_field_named(en, name);
	char *text = f ? arena_str(l->arena, record_text(fields, f->tag)) : NULL;

	return text ? text : "";
}

static bool read_live(struct lookup *l, const struct entity *en, uint64_t id, struct buf *room,
	struct stored *out)
{
	const struct scope *scope = en->flags & E_SHARED ? &scope_all : l->scope;
	struct error e;
	enum status s;

	error_init(&e);
	s = store_get(l->txn, scope, en, id, room, out, &e);
	error_clear(&e);
	return s == STATUS_OK && !out->deleted;
}

/* The same when nothing but what was entered is asked for. */
static bool read_named(struct lookup *l, const struct entity *en, uint64_t id, struct buf *room,
	struct stored *out)
{
	const struct scope *scope = en->flags & E_SHARED ? &scope_all : l->scope;
	const struct field *name = en->name_field ? entity_field_named(en, en->name_field) : NULL;

	if (name && name->flags & F_COMPUTED)
		return read_live(l, en, id, room, out);
	return store_get_entered(l->txn, scope, en, id, room, out, NULL) == STATUS_OK &&
	       !out->deleted;
}

struct bytes attribute(const char *attributes, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = attributes; p && *p; p += strcspn(p, ";"), p += *p == ';')
		if (!strncmp(p, name, len) && p[len] == '=')
			return bytes_of(p + len + 1, strcspn(p + len + 1, ";"));
	return bytes_of("", 0);
}

void code_in_words(const char *code, struct buf *out)
{
	for (const char *p = code; *p; p++)
		buf_add_u8(out, (uint8_t)(*p == '_' ? ' ' : p == code ? g_ascii_toupper(*p) : *p));
}

/* Dictionary entries */

const struct entry *lookup_entry_of(struct lookup *l, uint64_t id)
{
	const struct entity *en = lookup_entity(l, ENTITY_DICTIONARY_ENTRY);
	struct entry *entry = by_id(l->entries, id);
	struct buf room = BUF_INIT;
	struct stored r;

	if (entry || !id)
		return entry;
	struct reads *before = load_begin(l);
	if (read_live(l, en, id, &room, &r))
		entry = arena_calloc(l->arena, 1, sizeof(*entry));
	load_end(l, before);
	if (entry) {
		const struct field *order = entity_field_named(en, "sort_order");
		*entry = (struct entry){ .id = id,
			.version = r.version,
			.dictionary = model_number(en, r.fields, "dictionary"),
			.order = record_signed(r.fields, order->tag),
			.code = kept_text(l, en, r.fields, "code"),
			.zh = kept_text(l, en, r.fields, "label_zh"),
			.en = kept_text(l, en, r.fields, "label_en"),
			.attributes = kept_text(l, en, r.fields, "attributes"),
			.active = model_number(en, r.fields, "active") != 0,
			.standard = model_number(en, r.fields, "is_default") != 0 };
		g_hash_table_insert(l->entries, id_key(id), entry);
	}
	buf_free(&room);
	return entry;
}

const char *lookup_code(struct lookup *l, uint64_t entry)
{
	const struct entry *found = lookup_entry_of(l, entry);

	return found ? found->code : "";
}

/* Id of the record with this text in a unique field, 0 if none; may be in the trash. */
static uint64_t find_unique(
	struct lookup *l, const struct entity *en, const struct field *f, struct bytes text)
{
	uint64_t id = 0;
	struct error e;

	error_init(&e);
	if (!f || store_find_unique(l->txn, en, f, text, &id, &e))
		id = 0;
	error_clear(&e);
	return id;
}

static uint64_t find_named(
	struct lookup *l, enum entity_number number, const char *field, const char *text)
{
	const struct entity *en = lookup_entity(l, number);
	struct reads *before = load_begin(l);
	uint64_t id = find_unique(l, en, entity_field_named(en, field), bytes_str(text));

	load_end(l, before);
	return id;
}

uint64_t lookup_entry(struct lookup *l, const char *dictionary, const char *code)
{
	char *key = g_strconcat(dictionary, ".", code, NULL);
	uint64_t *known = g_hash_table_lookup(l->keys, key);
	uint64_t id;

	if (known) {
		id = *known;
		g_free(key);
		return id;
	}
	id = find_named(l, ENTITY_DICTIONARY_ENTRY, "key", key);
	g_hash_table_insert(l->keys, key, g_memdup2(&id, sizeof(id)));
	return id;
}

static struct dictionary *dictionary_of(struct lookup *l, const char *code)
{
	struct dictionary *d = g_hash_table_lookup(l->dictionaries, code);

	if (!d) {
		d = g_new0(struct dictionary, 1);
		d->id = find_named(l, ENTITY_DICTIONARY, "code", code);
		g_hash_table_insert(l->dictionaries, g_strdup(code), d);
	}
	return d;
}

uint64_t lookup_dictionary(struct lookup *l, const char *code)
{
	return dictionary_of(l, code)->id;
}

static char *folded(struct bytes text)
{
	struct buf out = BUF_INIT;
	char *s;

	text_fold(&out, text_trim(text));
	s = g_strndup(out.len ? (const char *)out.data : "", out.len);
	buf_free(&out);
	return s;
}

/* The first entry in order that has a word keeps it; codes go before labels. */
static void add_word(struct dictionary *d, const char *word, const struct entry *entry)
{
	char *key = folded(bytes_str(word));

	if (*key && !g_hash_table_contains(d->words, key))
		g_hash_table_insert(d->words, key, (void *)entry);
	else
		g_free(key);
}

static gint by_order(gconstpointer a, gconstpointer b)
{
	const struct entry *x = *(const struct entry *const *)a,
			   *y = *(const struct entry *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void walk_entries(struct lookup *l, struct dictionary *d)
{
	const struct entity *en = lookup_entity(l, ENTITY_DICTIONARY_ENTRY);
	const struct field *f = entity_field_named(en, "dictionary");
	struct buf wire = BUF_INIT;
	uint64_t ids[128], after = 0;
	size_t n;

	record_add_number(&wire, f->tag, d->id);
	while ((n = store_find_equal(l->txn, en, f, buf_bytes(&wire), after, ids, 128)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const struct entry *entry = lookup_entry_of(l, ids[i]);
			if (entry)
				g_ptr_array_add(d->entries, (void *)entry);
		}
		after = ids[n - 1];
	}
	buf_free(&wire);
}

static void load_entries(struct lookup *l, struct dictionary *d)
{
	if (d->entries)
		return;
	d->entries = g_ptr_array_new();
	d->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct reads *before = load_begin(l);
	if (d->id)
		walk_entries(l, d);
	load_end(l, before);
	g_ptr_array_sort(d->entries, by_order);
	for (guint i = 0; i < d->entries->len; i++) {
		const struct entry *entry = d->entries->pdata[i];
		add_word(d, entry->code, entry);
	}
	for (guint i = 0; i < d->entries->len; i++) {
		const struct entry *entry = d->entries->pdata[i];
		add_word(d, entry->zh, entry);
		add_word(d, entry->en, entry);
	}
}

const struct entry *const *lookup_entries(struct lookup *l, const char *dictionary, size_t *n)
{
	struct dictionary *d = dictionary_of(l, dictionary);

	load_entries(l, d);
	*n = d->entries->len;
	return (const struct entry *const *)(void *)d->entries->pdata;
}

uint64_t lookup_standard(struct lookup *l, const char *dictionary)
{
	struct dictionary *d = dictionary_of(l, dictionary);

	load_entries(l, d);
	for (guint i = 0; i < d->entries->len; i++) {
		const struct entry *entry = d->entries->pdata[i];
		if (entry->standard && entry->active)
			return entry->id;
	}
	return 0;
}

static const char *nearest_word(struct dictionary *d, struct bytes text)
{
	GPtrArray *words = g_ptr_array_new();
	char *word = folded(text);
	const char *nearest;

	for (guint i = 0; i < d->entries->len; i++) {
		const struct entry *entry = d->entries->pdata[i];
		g_ptr_array_add(words, (void *)entry->code);
		g_ptr_array_add(words, (void *)entry->zh);
	}
	nearest = text_nearest(word, (const char *const *)words->pdata, words->len);
	g_ptr_array_free(words, TRUE);
	g_free(word);
	return nearest;
}

static enum status no_choice(struct dictionary *d, struct bytes text, struct error *e)
{
	struct buf allowed = BUF_INIT;
	const char *nearest = nearest_word(d, text);
	bool cut = false;
	enum status s;

	for (guint i = 0; i < d->entries->len && !cut; i++) {
		const struct entry *entry = d->entries->pdata[i];
		cut = allowed.len + strlen(entry->code) > ALLOWED_LONG;
		if (entry->active && !cut)
			buf_printf(&allowed, "%s%s", allowed.len ? ", " : "", entry->code);
	}
	if (cut)
		buf_add_str(&allowed, ", ...");
	s = error_set(e, STATUS_NOT_FOUND, "is not one of %s%s%s%s", buf_str(&allowed),
		nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "");
	buf_free(&allowed);
	return s;
}

static enum status find_choice(
	void *arg, const char *dictionary, struct bytes text, uint64_t *id, struct error *e)
{
	struct lookup *l = arg;
	struct dictionary *d = dictionary_of(l, dictionary);
	const struct entry *entry;
	char *word;

	load_entries(l, d);
	word = folded(text);
	entry = g_hash_table_lookup(d->words, word);
	g_free(word);
	if (!entry)
		return no_choice(d, text, e);
	*id = entry->id;
	return STATUS_OK;
}

/* Records */

static struct seen *seen_of(struct lookup *l, const struct entity *en, uint64_t id)
{
	uint64_t key = any_ref(en->number, id);
	struct seen *seen = by_id(l->seen, key);

	if (!seen) {
		seen = g_new0(struct seen, 1);
		seen->there = true; /* until it is read */
		g_hash_table_insert(l->seen, id_key(key), seen);
	}
	return seen;
}

/* What names a record for people, in the language of the look-up where there are two. */
static struct bytes display_of(struct lookup *l, const struct entity *en, struct bytes fields)
{
	const struct field *f = entity_field_named(en, en->name_field ? en->name_field : "id");
	struct bytes text = record_text(fields, f->tag);

	if (!l->chinese && en->name_field && !strcmp(en->name_field, "label_zh")) {
		struct bytes english = record_text(fields, entity_field_named(en, "label_en")->tag);
		if (english.len)
			text = english;
	}
	return arena_copy(l->arena, text);
}

/* Others who are told of the record later must know by what it was found. */
static void keep_reads(struct lookup *l, struct seen *seen, struct reads *reads)
{
	struct bytes kept =
		arena_copy(l->arena, bytes_of(reads->marks, reads->n * sizeof(*reads->marks)));

	seen->reads = *reads;
	seen->reads.marks = (uint64_t *)(void *)(uintptr_t)kept.data;
	if (!kept.data)
		seen->reads = (struct reads){ .unknown = true };
	reads_free(reads);
}

static void read_seen(
	struct lookup *l, const struct entity *en, uint64_t id, bool whole, struct seen *seen)
{
	struct buf room = BUF_INIT;
	struct stored r;

	seen->there = whole ? read_live(l, en, id, &room, &r) : read_named(l, en, id, &room, &r);
	if (seen->there && whole)
		seen->fields = arena_copy(l->arena, r.fields);
	if (seen->there)
		seen->display = display_of(l, en, r.fields);
	seen->known |= whole;
	seen->named = true;
	buf_free(&room);
}

/* Reads the record once for what is asked of it. */
static struct seen *seen_with(struct lookup *l, const struct entity *en, uint64_t id, bool whole)
{
	struct seen *seen = seen_of(l, en, id);
	struct reads reads = { 0 }, *before = NULL;

	if (seen->there && !(whole ? seen->known : seen->named)) {
		if (l->shared)
			before = txn_note_reads(l->txn, &reads);
		read_seen(l, en, id, whole, seen);
		load_end(l, before);
		if (l->shared)
			keep_reads(l, seen, &reads);
	}
	txn_read_again(l->txn, &seen->reads);
	return seen;
}

bool lookup_there(struct lookup *l, const struct entity *entity, uint64_t id)
{
	return seen_with(l, entity, id, false)->there;
}

struct bytes lookup_fields(struct lookup *l, const struct entity *entity, uint64_t id)
{
	struct seen *seen = id ? seen_with(l, entity, id, true) : NULL;

	return seen && seen->there && seen->fields.data ? seen->fields : bytes_of("", 0);
}

/* Records of exactly that name; counts to two. */
static uint64_t find_by_name(
	struct lookup *l, const struct entity *en, struct bytes name, size_t *count)
{
	const struct field *f = entity_field_named(en, en->name_field);
	struct buf wire = BUF_INIT;
	uint64_t ids[64], after = 0, found = 0;
	size_t n;

	*count = 0;
	record_add_text(&wire, f->tag, name);
	while ((n = store_find_equal(l->txn, en, f, buf_bytes(&wire), after, ids, 64)) > 0) {
		for (size_t i = 0; i < n; i++)
			if (lookup_there(l, en, ids[i]) && ++*count == 1)
				found = ids[i];
		after = ids[n - 1];
	}
	buf_free(&wire);
	return found;
}

static enum status no_such(const struct entity *en, struct error *e)
{
	return error_set(e, STATUS_NOT_FOUND, "is not a known %s", en->name);
}

static enum status resolve_name(
	struct lookup *l, const struct entity *en, struct bytes name, uint64_t *id, struct error *e)
{
	const struct field *f = en->name_field ? entity_field_named(en, en->name_field) : NULL;
	size_t count;

	if (!f || !(f->flags & F_INDEXED))
		return error_set(e, STATUS_INVALID, "a %s cannot be named by @name:", en->name);
	*id = find_by_name(l, en, name, &count);
	if (count == 0)
		return no_such(en, e);
	if (count > 1)
		return error_set(e, STATUS_INVALID, "names %zu %s records: give the id instead",
			count, en->name);
	return STATUS_OK;
}

/* Unique texts that may stand for the id, merged records by their survivor. */
static bool resolve_unique(
	struct lookup *l, const struct entity *en, struct bytes text, uint64_t *id)
{
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (!(f->flags & F_LOOKUP))
			continue;
		*id = find_unique(l, en, f, text);
		*id = *id ? store_survivor(l->txn, en, *id) : 0;
		if (*id && lookup_there(l, en, *id))
			return true;
	}
	return false;
}

/* @FIELD:TEXT with a field that is unique. False when the text is not of that form. */
static bool resolve_field(
	struct lookup *l, const struct entity *en, struct bytes text, uint64_t *id)
{
	const uint8_t *colon =
		text.len && text.data[0] == '@' ? memchr(text.data, ':', text.len) : NULL;
	const struct field *f = NULL;

	if (colon)
		f = entity_field(en, bytes_of(text.data + 1, (size_t)(colon - text.data) - 1));
	if (!f || !(f->flags & F_UNIQUE))
		return false;
	text = bytes_of(colon + 1, text.len - (size_t)(colon + 1 - text.data));
	*id = find_unique(l, en, f, text);
	*id = *id ? store_survivor(l->txn, en, *id) : 0;
	if (!*id && f->tag == TAG_EXTERNAL_ID)
		*id = portable_own(l, en, text);
	return true;
}

static enum status resolve(
	struct lookup *l, const struct entity *en, struct bytes text, uint64_t *id, struct error *e)
{
	static const char by_name[] = "@name:";
	const struct field *f = en->name_field ? entity_field_named(en, en->name_field) : NULL;
	size_t skip = sizeof(by_name) - 1;
	uint64_t ignored;

	if (bytes_starts(text, bytes_str(by_name)))
		return resolve_name(
			l, en, text_trim(bytes_of(text.data + skip, text.len - skip)), id, e);
	if (resolve_field(l, en, text, id))
		return *id && lookup_there(l, en, *id) ? STATUS_OK : no_such(en, e);
	if (id_parse(text, id)) {
		*id = store_survivor(l->txn, en, *id);
		if (lookup_there(l, en, *id))
			return STATUS_OK;
	}
	if (resolve_unique(l, en, text, id))
		return STATUS_OK;
	/* Tables and CSV print names, so a name that is no number is read back. */
	if (f && f->flags & F_INDEXED && text.len && !id_parse(text, &ignored))
		return resolve_name(l, en, text, id, e);
	return no_such(en, e);
}

static enum status find_reference(
	void *arg, const char *entity, struct bytes text, uint64_t *id, struct error *e)
{
	struct lookup *l = arg;
	const struct entity *en = schema_entity(l->schema, bytes_str(entity));
	struct reads *before;
	uint64_t *known;
	char *key;
	enum status s = STATUS_OK;

	if (!en)
		return error_set(e, STATUS_NOT_FOUND, "entity not available yet");
	text = text_trim(text);
	l->by_name += !id_parse(text, id);
	key = g_strdup_printf("%s\n%.*s", entity, (int)text.len, (const char *)text.data);
	known = g_hash_table_lookup(l->texts, key);
	before = load_begin(l);
	if (known)
		*id = *known;
	else
		s = resolve(l, en, text, id, e);
	load_end(l, before);
	if (known || s)
		g_free(key);
	else
		g_hash_table_insert(l->texts, key, g_memdup2(id, sizeof(*id)));
	return s;
}

/* Printing: entries by label and code, other records by name. */
static bool name_of(
	void *arg, const char *entity, uint64_t id, struct bytes *display, struct bytes *code)
{
	struct lookup *l = arg;
	const struct entity *en = schema_entity(l->schema, bytes_str(entity));
	const struct entry *entry;
	struct seen *seen;

	if (!en)
		return false;
	if (en->number != ENTITY_DICTIONARY_ENTRY) {
		seen = seen_with(l, en, id, false);
		*display = seen->display;
		return seen->there;
	}
	entry = lookup_entry_of(l, id);
	if (!entry)
		return false;
	*display = bytes_str(!l->chinese && *entry->en ? entry->en : entry->zh);
	*code = bytes_str(entry->code);
	return true;
}

struct parse_context lookup_parse_context(
	struct lookup *l, civil_date today, const struct zone *zone)
{
	return (struct parse_context){ .arg = l,
		.choice = find_choice,
		.reference = find_reference,
		.saved = saved_find,
		.schema = l->schema,
		.today = today,
		.zone = zone };
}

struct arena *lookup_arena(const struct lookup *l)
{
	return l->arena;
}

struct format_context lookup_format_context(struct lookup *l, const struct zone *zone)
{
	return (struct format_context){
		.arg = l, .name = name_of, .schema = l->schema, .zone = zone, .chinese = l->chinese
	};
}

size_t lookup_by_name(const struct lookup *l)
{
	return l->by_name;
}

void lookup_put_numbers_off(struct lookup *l)
{
	l->numbers_later = true;
}

bool lookup_number_later(struct lookup *l, const struct field *f)
{
	if (l->numbers_later)
		l->numbered = f->tag;
	return l->numbers_later;
}

uint16_t lookup_numbered(struct lookup *l)
{
	uint16_t tag = l->numbered;

	l->numbered = 0;
	return tag;
}

enum status lookup_next_number(
	struct lookup *l, const struct entity *entity, uint64_t *number, struct error *e)
{
	uint64_t next = 1;
	uint64_t *last = &l->next_number[entity->number % G_N_ELEMENTS(l->next_number)];
	enum status s = store_next_id(l->txn, entity, &next, e);

	/* Rows that are checked before the first of them is written must not get one number. */
	*last = *last >= next ? *last + 1 : next;
	*number = *last;
	return s;
}

/* Settings */

static struct bytes *read_setting(struct lookup *l, const char *name)
{
	const struct entity *en = lookup_entity(l, ENTITY_SETTING);
	uint64_t id = find_named(l, ENTITY_SETTING, "name", name);
	struct bytes *value = arena_calloc(l->arena, 1, sizeof(*value));
	struct buf room = BUF_INIT;
	struct stored r;

	if (!value)
		return NULL;
	struct reads *before = load_begin(l);
	if (id && read_live(l, en, id, &room, &r))
		*value = bytes_str(kept_text(l, en, r.fields, "value"));
	load_end(l, before);
	if (!value->len)
		*value = bytes_str(setting_default(name));
	buf_free(&room);
	g_hash_table_insert(l->settings, g_strdup(name), value);
	return value;
}

struct bytes lookup_setting(struct lookup *l, const char *name)
{
	struct bytes *value = g_hash_table_lookup(l->settings, name);

	if (!value)
		value = read_setting(l, name);
	return value ? *value : bytes_str(setting_default(name));
}

long lookup_setting_number(struct lookup *l, const char *name)
{
	struct bytes value = lookup_setting(l, name);
	char text[24] = "";

	if (value.len < sizeof(text))
		memcpy(text, value.data, value.len);
	return strtol(text, NULL, 10);
}

struct birthday_rule lookup_birthday_rule(struct lookup *l, uint64_t calendar)
{
	struct birthday_rule rule = { LEAP_DAY_FEB28, LEAP_MONTH_PLAIN, KEEP_AS_ENTERED };

	if (bytes_equal_str(lookup_setting(l, "birthday.leap_day"), "03-01"))
		rule.leap_day = LEAP_DAY_MAR01;
	if (bytes_equal_str(lookup_setting(l, "lunar.leap_month"), "both"))
		rule.leap_month = LEAP_MONTH_BOTH;
	birthday_keep_from_code(lookup_code(l, calendar), &rule.keep);
	return rule;
}
