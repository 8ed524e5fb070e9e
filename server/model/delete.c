/*
 * Deleting a record with what hangs on it, and bringing back exactly what a deletion took. What goes along, what stays and what
 * refuses stands in the rows: on_delete of every field that refers to the record.
 */
#include "server/model/computed.h"
#include "server/model/rules.h"
#include "server/store/log.h"
#include <glib.h>

#define PAGE 256

struct target {
	const struct entity *entity;
	uint64_t id;
};

struct deletion {
	const struct model_write *w;
	const struct schema *schema;
	GArray *targets;    /* in the order in which they go */
	guint followed;     /* of them */
	size_t most;        /* no more are gathered */
	GHashTable *seen;   /* any_ref() */
	uint64_t operation; /* without seen: that deleted what is restored */
	struct buf uses;
	/* "12 customer, 3 user" */
	bool building; /* an index that would tell of uses */
	struct error *e;
};

static void deletion_init(
	struct deletion *d, const struct model_write *w, size_t most, struct error *e)
{
	*d = (struct deletion){ .w = w,
		.schema = txn_schema(w->txn),
		.targets = g_array_new(FALSE, FALSE, sizeof(struct target)),
		.most = most,
		.seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.e = e };
}

/* Too many for one transaction. */
static bool is_long(const struct deletion *d)
{
	return d->targets->len > d->most;
}

static void deletion_release(struct deletion *d)
{
	g_array_free(d->targets, TRUE);
	g_hash_table_destroy(d->seen);
	buf_free(&d->uses);
}

static void add_target(struct deletion *d, const struct entity *entity, uint64_t id)
{
	struct target target = { entity, id };
	gint64 *key = g_new(gint64, 1);

	*key = (gint64)any_ref(entity->number, id);
	if (g_hash_table_add(d->seen, key))
		g_array_append_val(d->targets, target);
}

static bool is_target(const struct deletion *d, const struct entity *entity, uint64_t id)
{
	gint64 key = (gint64)any_ref(entity->number, id);

	return g_hash_table_contains(d->seen, &key);
}

/* Code of the dictionary that an entry belongs to; free() it. NULL for other records. */
static char *dictionary_of(const struct deletion *d, const struct target *target)
{
	const struct entity *en = schema_entity_by_number(d->schema, ENTITY_DICTIONARY);
	const struct entry *entry;

	if (target->entity->number != ENTITY_DICTIONARY_ENTRY)
		return NULL;
	entry = lookup_entry_of(d->w->lookup, target->id);
	if (!entry)
		return NULL;
	return bytes_dup(record_text(lookup_fields(d->w->lookup, en, entry->dictionary),
		entity_field_named(en, "code")->tag));
}

static bool is_choice(enum field_type type)
{
	return type == T_CHOICE || type == T_CHOICES;
}

/* What happens to records whose field f names the target; KEEP when it cannot name it. */
static enum on_delete effect(
	const struct field *f, const struct target *target, const char *dictionary)
{
	if (f->flags & F_UNAVAILABLE)
		return ON_DELETE_KEEP;
	if (is_choice(f->type))
		return dictionary && !strcmp(f->refers_to, dictionary) ? ON_DELETE_REFUSE
								       : ON_DELETE_KEEP;
	return reference_value(f, target->entity, target->id) ? f->on_delete : ON_DELETE_KEEP;
}

/* Takes the records whose field names the target along, or counts them. */
static uint64_t follow_field(struct deletion *d, const struct entity *en, const struct field *f,
	const struct target *target, enum on_delete what)
{
	uint64_t ref =
		is_choice(f->type) ? target->id : reference_value(f, target->entity, target->id);
	uint64_t ids[PAGE], after = 0, count = 0;
	struct buf wire = BUF_INIT;
	size_t n;

	record_add_number(&wire, f->tag, ref);
	while (!is_long(d) &&
		(n = store_find_equal(d->w->txn, en, f, buf_bytes(&wire), after, ids, PAGE)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (what == ON_DELETE_CASCADE)
				add_target(d, en, ids[i]);
			else
				count += !is_target(d, en, ids[i]);
		}
		after = ids[n - 1];
	}
	buf_free(&wire);
	return count;
}

/* While its index is being built nobody can say how often a choice is used. */
static bool is_building(const struct field *f)
{
	return is_choice(f->type) && !(f->flags & F_INDEXED);
}

static void follow_entity(struct deletion *d, const struct entity *en, const struct target *target,
	const char *dictionary)
{
	uint64_t count = 0;

	for (size_t i = 0; i < en->nfields; i++) {
		enum on_delete what = effect(&en->fields[i], target, dictionary);
		d->building |= what == ON_DELETE_REFUSE && is_building(&en->fields[i]);
		if (what != ON_DELETE_KEEP)
			count += follow_field(d, en, &en->fields[i], target, what);
	}
	if (count)
		buf_printf(&d->uses, "%s%llu %s", d->uses.len ? ", " : "",
			(unsigned long long)count, en->name);
}

/* What goes with the next of them, and who uses it. */
static void follow_next(struct deletion *d)
{
	struct target target = g_array_index(d->targets, struct target, d->followed++);
	char *dictionary = dictionary_of(d, &target);

	for (size_t k = 0; k < schema_count(d->schema); k++)
		follow_entity(d, schema_at(d->schema, k), &target, dictionary);
	free(dictionary);
}

static enum status check_uses(struct deletion *d)
{
	if (d->building)
		return error_set(d->e, STATUS_BUSY,
			"the index of a field that may use it is being built: try again later");
	if (d->uses.len)
		return error_reason(d->e, STATUS_INVALID, "in_use", "%s is in use by %s",
			d->w->entity->name, buf_str(&d->uses));
	return STATUS_OK;
}

static enum status collect(struct deletion *d)
{
	add_target(d, d->w->entity, d->w->id);
	while (!is_long(d) && d->followed < d->targets->len)
		follow_next(d);
	return is_long(d) ? STATUS_OK : check_uses(d);
}

/* Puts one record into the trash or takes it out. */
static enum status move_one(struct deletion *d, const struct target *target, bool trash)
{
	static const uint32_t marks[] = { TAG_DELETED_AT, TAG_DELETED_BY };
	struct buf room = BUF_INIT, patch = BUF_INIT, fields = BUF_INIT;
	uint64_t id = target->id;
	struct stored r;
	enum status s = store_get(d->w->txn, &scope_all, target->entity, id, &room, &r, d->e);

	if (!s && trash != r.deleted) {
		if (trash)
			record_add_signed(&patch, TAG_DELETED_AT, d->w->author->now_ms);
		if (trash && d->w->author->user)
			record_add_number(&patch, TAG_DELETED_BY, d->w->author->user);
		record_merge(r.fields, buf_bytes(&patch), marks, trash ? 0 : 2, &fields);
		s = store_put(d->w->txn, d->w->author, target->entity, &id,
			trash ? "delete" : "restore", buf_bytes(&fields), NULL, d->e);
	}
	buf_free(&room);
	buf_free(&patch);
	buf_free(&fields);
	return s;
}

static enum status move_all(struct deletion *d, bool trash, uint64_t *count)
{
	enum status s = STATUS_OK;

	for (guint i = 0; i < d->targets->len && !s; i++) {
		s = move_one(d, &g_array_index(d->targets, struct target, i), trash);
		*count += !s;
	}
	return s;
}

static enum status check_deletable(const struct model_write *w, struct error *e)
{
	const struct hooks *hooks = hooks_of(w->entity);

	if (w->entity->flags & (E_NO_DELETE | E_READONLY))
		return error_set(e, STATUS_INVALID, "a %s cannot be deleted", w->entity->name);
	return hooks && hooks->deletable ? hooks->deletable(w, e) : STATUS_OK;
}

/* The record as the caller sees it, in the trash or not. */
static enum status read_root(const struct model_write *w, bool trash, struct buf *room,
	struct stored *root, struct error *e)
{
	const struct scope *given =
		w->entity->flags & E_SHARED || !w->scope ? &scope_all : w->scope;
	struct scope scope = *given;
	enum status s;

	scope.trash_too = true;
	s = store_get(w->txn, &scope, w->entity, w->id, room, root, e);
	if (!s && trash && model_number(w->entity, root->fields, w->entity->merged_field))
		return error_set(e, STATUS_CONFLICT,
			"the %s was merged into \"%llu\": take that operation back",
			w->entity->name,
			(unsigned long long)model_number(
				w->entity, root->fields, w->entity->merged_field));
	if (s || root->deleted == trash)
		return s;
	if (trash)
		return error_set(e, STATUS_CONFLICT, "the %s is not in the trash", w->entity->name);
	return error_set(e, STATUS_NOT_FOUND, "there is no %s \"%llu\"", w->entity->name,
		(unsigned long long)w->id);
}

enum status model_delete(const struct model_write *w, size_t most, uint64_t *count, struct error *e)
{
	struct buf room = BUF_INIT;
	struct model_write with = *w;
	struct deletion d;
	struct stored root;
	enum status s = read_root(w, false, &room, &root, e);

	*count = 0;
	with.before = &root;
	if (!s)
		s = check_deletable(&with, e);
	if (!s) {
		deletion_init(&d, &with, most, e);
		s = collect(&d);
		if (!s && is_long(&d))
			*count = d.targets->len;
		else if (!s)
			s = move_all(&d, true, count);
		deletion_release(&d);
	}
	buf_free(&room);
	return s;
}

/* Deleting in steps. */

struct model_gathering {
	struct deletion d;
	struct generation *fields; /* that the entities are of */
	size_t roots;              /* of those given, looked at */
};

void model_gathering_free(struct model_gathering **g)
{
	if (!*g)
		return;
	deletion_release(&(*g)->d);
	generation_give(&(*g)->fields);
	g_free(*g);
	*g = NULL;
}

static struct model_gathering *gathering_new(const struct model_write *w)
{
	struct model_gathering *g = g_new0(struct model_gathering, 1);

	deletion_init(&g->d, w, SIZE_MAX - 1, NULL);
	g->fields = txn_generation(w->txn);
	generation_keep(g->fields);
	return g;
}

/* One of those that were asked for, unless it went with another before. */
static enum status gather_root(struct model_gathering *g, uint64_t id, struct error *e)
{
	struct model_write with = *g->d.w;
	struct buf room = BUF_INIT;
	struct stored root;
	enum status s = STATUS_OK;

	with.id = id;
	with.before = &root;
	if (read_live(with.txn, with.entity, id, &room, &root)) {
		s = check_deletable(&with, e);
		add_target(&g->d, with.entity, id);
	}
	buf_free(&room);
	return s;
}

enum status model_gather(const struct model_write *w, struct bytes roots, size_t most,
	struct model_gathering **gp, uint64_t *count, bool *end, struct error *e)
{
	struct model_gathering *g;
	enum status s = STATUS_OK;
	size_t nroots = roots.len / 8;

	if (*gp && (*gp)->fields != txn_generation(w->txn))
		model_gathering_free(gp);
	if (!*gp)
		*gp = gathering_new(w);
	g = *gp;
	g->d.w = w;
	g->d.e = e;
	for (; !s && g->roots < nroots; g->roots++)
		s = gather_root(g, get_be64(roots.data + g->roots * 8), e);
	for (size_t i = 0; !s && i < most && g->d.followed < g->d.targets->len; i++)
		follow_next(&g->d);
	*count = g->d.targets->len;
	*end = !s && g->d.followed == g->d.targets->len;
	return *end ? check_uses(&g->d) : s;
}

enum status model_delete_one(const struct model_write *w, bool *moved, struct error *e)
{
	struct deletion d = { .w = w, .e = e };
	struct target target = { w->entity, w->id };
	struct buf room = BUF_INIT;
	struct stored r;

	*moved = read_live(w->txn, w->entity, w->id, &room, &r);
	buf_free(&room);
	return *moved ? move_one(&d, &target, true) : STATUS_OK;
}

/* The live records that go with the one deleted, by one field. */
static enum status delete_by_field(struct deletion *d, const struct entity *en,
	const struct field *f, const struct target *target, size_t most, size_t *n)
{
	uint64_t ref = reference_value(f, target->entity, target->id);
	uint64_t ids[PAGE];
	struct buf wire = BUF_INIT;
	enum status s = STATUS_OK;
	size_t found = PAGE;

	record_add_number(&wire, f->tag, ref);
	while (!s && *n < most && found == PAGE) {
		found = store_find_equal(
			d->w->txn, en, f, buf_bytes(&wire), 0, ids, MIN(PAGE, most - *n));
		for (size_t i = 0; !s && i < found; i++) {
			struct target child = { en, ids[i] };
			s = move_one(d, &child, true);
		}
		*n += found;
	}
	buf_free(&wire);
	return s;
}

enum status model_delete_children(
	const struct model_write *w, size_t most, size_t *n, struct error *e)
{
	const struct schema *schema = txn_schema(w->txn);
	struct deletion d = { .w = w, .schema = schema, .e = e };
	struct target target = { w->entity, w->id };
	enum status s = STATUS_OK;

	*n = 0;
	for (size_t k = 0; k < schema_count(schema); k++) {
		const struct entity *en = schema_at(schema, k);
		for (size_t i = 0; !s && *n < most && i < en->nfields; i++)
			if (effect(&en->fields[i], &target, NULL) == ON_DELETE_CASCADE)
				s = delete_by_field(&d, en, &en->fields[i], &target, most, n);
	}
	return s;
}

enum status model_unused(const struct model_write *w, struct error *e)
{
	struct deletion d;
	enum status s;

	deletion_init(&d, w, 0, e);
	add_target(&d, w->entity, w->id);
	d.most = SIZE_MAX - 1;
	follow_next(&d);
	s = check_uses(&d);
	deletion_release(&d);
	return s;
}

/* Restoring */

uint64_t model_deleted_by(struct txn *t, const struct entity *entity, uint64_t id)
{
	uint64_t seqs[32], before = 0;
	struct buf room = BUF_INIT;
	struct log_entry entry;
	uint64_t operation = 0;
	size_t n;

	while (!operation && (n = log_of_record(t, entity, id, before, seqs, 32)) > 0) {
		for (size_t i = 0; i < n && !operation; i++)
			if (!log_read(t, seqs[i], &entry, &room, NULL, NULL) &&
				entry.kind == LOG_DELETE)
				operation = entry.operation;
		before = seqs[n - 1];
	}
	buf_free(&room);
	return operation;
}

static void collect_operation(struct deletion *d, uint64_t operation)
{
	uint64_t seqs[PAGE], after = 0;
	struct buf room = BUF_INIT;
	struct log_entry entry;
	const struct entity *en;
	size_t n;

	while (operation && !is_long(d) &&
		(n = log_of_operation(d->w->txn, operation, after, seqs, PAGE)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (log_read(d->w->txn, seqs[i], &entry, &room, NULL, NULL) ||
				entry.kind != LOG_DELETE)
				continue;
			en = schema_entity_by_number(d->schema, entry.entity);
			if (en)
				add_target(d, en, entry.id);
		}
		after = seqs[n - 1];
	}
	buf_free(&room);
	add_target(d, d->w->entity, d->w->id);
}

/* Whether the record comes back too. */
static bool comes_back(const struct deletion *d, const struct entity *en, uint64_t id)
{
	return d->seen ? is_target(d, en, id) : model_deleted_by(d->w->txn, en, id) == d->operation;
}

static bool in_trash(const struct deletion *d, const struct entity *en, uint64_t id)
{
	struct buf room = BUF_INIT;
	struct stored r;
	bool trashed = store_get(d->w->txn, &scope_all, en, id, &room, &r, NULL) || r.deleted;

	buf_free(&room);
	return trashed;
}

/* What a record hangs on must be there, or come back with it. */
static enum status check_parents(struct deletion *d, const struct target *target)
{
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s =
		store_get(d->w->txn, &scope_all, target->entity, target->id, &room, &r, d->e);

	for (size_t i = 0; !s && i < target->entity->nfields; i++) {
		const struct field *f = &target->entity->fields[i];
		uint64_t ref = record_number(r.fields, f->tag);
		const struct entity *en =
			f->type == T_REF ? schema_entity(d->schema, bytes_str(f->refers_to)) : NULL;
		if (f->on_delete == ON_DELETE_CASCADE && en && ref && in_trash(d, en, ref) &&
			!comes_back(d, en, ref))
			s = error_set(d->e, STATUS_CONFLICT,
				"the %s of the %s is in the trash: restore it first", en->name,
				target->entity->name);
	}
	buf_free(&room);
	return s;
}

/* What took its place while it was in the trash. */
static enum status check_twins(struct deletion *d, const struct target *target)
{
	const struct entity *en = target->entity;
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s = store_get(d->w->txn, &scope_all, en, target->id, &room, &r, d->e);

	for (size_t i = 0; !s && i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f->unique_with && rules_twin(d->w->txn, en, f, target->id, r.fields))
			s = error_set(d->e, STATUS_CONFLICT,
				"another %s has the same %s and %s by now", en->name,
				f->unique_with, f->name);
	}
	buf_free(&room);
	return s;
}

static enum status check_unique(
	struct deletion *d, const struct target *target, const struct field *f, struct bytes fields)
{
	const struct entity *en = target->entity;
	const struct scope *scope = en->flags & E_SHARED || !d->w->scope ? &scope_all : d->w->scope;
	uint64_t other = store_unique_holder(d->w->txn, en, f, target->id, fields);

	if (!other)
		return STATUS_OK;
	if (!store_visible(d->w->txn, scope, en, other))
		return error_set(d->e, STATUS_DUPLICATE,
			"%s of %s \"%llu\" is taken by another %s by now", f->name, en->name,
			(unsigned long long)target->id, en->name);
	return error_set(d->e, STATUS_DUPLICATE, "%s of %s \"%llu\" is taken by %s \"%llu\" by now",
		f->name, en->name, (unsigned long long)target->id, en->name,
		(unsigned long long)other);
}

/* Its unique values were free for others while it was in the trash. */
static enum status check_uniques(struct deletion *d, const struct target *target)
{
	const struct entity *en = target->entity;
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s = store_get(d->w->txn, &scope_all, en, target->id, &room, &r, d->e);

	for (size_t i = 0; !s && i < en->nfields; i++)
		s = check_unique(d, target, &en->fields[i], r.fields);
	buf_free(&room);
	return s;
}

static enum status settle_all(struct deletion *d)
{
	enum status s = STATUS_OK;

	for (guint i = 0; i < d->targets->len && !s; i++) {
		const struct target *target = &g_array_index(d->targets, struct target, i);
		s = model_settle(d->w->txn, d->w->author, target->entity, target->id, d->e);
	}
	return s;
}

static enum status check_return(struct deletion *d, const struct target *target)
{
	enum status s = check_parents(d, target);

	if (!s)
		s = check_twins(d, target);
	return s ? s : check_uniques(d, target);
}

enum status model_restorable(const struct model_write *w, uint64_t operation, struct error *e)
{
	struct deletion d = {
		.w = w, .schema = txn_schema(w->txn), .operation = operation, .e = e
	};
	struct target target = { w->entity, w->id };

	return in_trash(&d, w->entity, w->id) ? check_return(&d, &target) : STATUS_OK;
}

enum status model_restore_one(const struct model_write *w, struct error *e)
{
	struct deletion d = { .w = w, .e = e };
	struct target target = { w->entity, w->id };

	return move_one(&d, &target, false);
}

enum status model_restore(
	const struct model_write *w, size_t most, uint64_t *count, struct error *e)
{
	struct buf room = BUF_INIT;
	struct deletion d;
	struct stored root;
	enum status s = read_root(w, true, &room, &root, e);

	*count = 0;
	buf_free(&room);
	if (s)
		return s;
	deletion_init(&d, w, most, e);
	collect_operation(&d, model_deleted_by(w->txn, w->entity, w->id));
	if (is_long(&d)) {
		*count = d.targets->len;
		deletion_release(&d);
		return STATUS_OK;
	}
	for (guint i = 0; i < d.targets->len && !s; i++)
		s = check_return(&d, &g_array_index(d.targets, struct target, i));
	if (!s)
		s = move_all(&d, false, count);
	if (!s)
		s = settle_all(&d);
	deletion_release(&d);
	return s;
}
