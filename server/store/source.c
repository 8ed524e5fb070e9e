/* Candidates of a query, from the records, from lists of the index, from a stretch of it. */
#include "server/store/plan.h"
#include <glib.h>

struct cursor {
	struct txn *txn;
	const struct entity *entity;
	const struct source *source;
	bool descending;
	struct walk *walks[SOURCE_LISTS_MAX];
	uint64_t heads
		[SOURCE_LISTS_MAX]; /* LISTS: the id on which each walk stands; 0: at its end */
	size_t nwalks;
	bool primed;
	size_t at;        /* IDS */
	struct bytes key; /* of the entry that next gave */
};

void source_free(struct source *s)
{
	g_free(s->lists);
	g_free(s->ids);
	*s = (struct source){ 0 };
}

static bool step(struct walk *w, bool descending, struct bytes *key)
{
	return descending ? walk_prev(w, key) : walk_next(w, key);
}

/* Before the first id of a list in the direction of the cursor, or after id. */
static void seek_list(struct walk *w, struct key prefix, bool descending, uint64_t id)
{
	if (!descending) {
		key_add_u64(&prefix, id == UINT64_MAX ? id : id + 1);
		walk_seek(w, key_bytes(&prefix));
	} else {
		key_add_u64(&prefix, id);
		walk_seek_back(w, key_bytes(&prefix));
	}
}

static void seek_all(struct cursor *c, uint64_t id)
{
	uint64_t low = c->source->id_low, high = c->source->id_high;
	struct key prefix = key_entity(c->entity->number);

	if (c->descending)
		seek_list(
			c->walks[0], prefix, true, high < UINT64_MAX && id > high ? high + 1 : id);
	else
		seek_list(c->walks[0], prefix, false, low > 0 && id < low ? low - 1 : id);
}

static void seek_range(struct cursor *c)
{
	if (c->descending)
		walk_seek_back(c->walks[0], key_bytes(&c->source->high));
	else
		walk_seek(c->walks[0], key_bytes(&c->source->low));
}

static enum status open_walks(struct cursor *c, struct error *e)
{
	const struct source *s = c->source;
	struct key prefix = key_entity(c->entity->number);
	enum status st = STATUS_OK;

	if (s->kind == SOURCE_ALL)
		st = walk_open(c->txn, SPACE_REC, key_bytes(&prefix), &c->walks[0], e);
	if (s->kind == SOURCE_RANGE) {
		prefix = key_index(c->entity->number, s->field->tag);
		st = walk_open(c->txn, SPACE_IDX, key_bytes(&prefix), &c->walks[0], e);
	}
	for (size_t i = 0; s->kind == SOURCE_LISTS && i < s->nlists && !st; i++)
		st = walk_open(c->txn, SPACE_IDX, key_bytes(&s->lists[i]), &c->walks[i], e);
	return st;
}

enum status cursor_open(struct txn *t, const struct entity *entity, const struct source *s,
	bool descending, struct cursor **out, struct error *e)
{
	struct cursor *c = g_new0(struct cursor, 1);
	enum status st;

	*c = (struct cursor){ .txn = t, .entity = entity, .source = s, .descending = descending };
	c->nwalks = s->kind == SOURCE_LISTS ? s->nlists : s->kind != SOURCE_IDS;
	st = open_walks(c, e);
	if (st) {
		cursor_close(&c);
		return st;
	}
	if (s->kind == SOURCE_RANGE)
		seek_range(c);
	else
		cursor_after_id(c, descending ? UINT64_MAX : 0);
	*out = c;
	return STATUS_OK;
}

void cursor_close(struct cursor **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->nwalks; i++)
		walk_close(&(*c)->walks[i]);
	g_free(*c);
	*c = NULL;
}

/* How many ids of the source come before the place after id. */
static size_t ids_after(const struct cursor *c, uint64_t id)
{
	const struct source *s = c->source;
	size_t n = 0;

	while (n < s->nids && (c->descending ? s->ids[s->nids - 1 - n] >= id : s->ids[n] <= id))
		n++;
	return n;
}

void cursor_after_id(struct cursor *c, uint64_t id)
{
	c->primed = false;
	if (c->source->kind == SOURCE_ALL)
		seek_all(c, id);
	else if (c->source->kind == SOURCE_IDS)
		c->at = ids_after(c, id);
	for (size_t i = 0; c->source->kind == SOURCE_LISTS && i < c->nwalks; i++)
		seek_list(c->walks[i], c->source->lists[i], c->descending, id);
}

void cursor_after_key(struct cursor *c, const struct position_key *key, uint64_t id)
{
	const struct source *s = c->source;
	struct key k = key_index(c->entity->number, s->field->tag);

	memcpy(k.data + k.len, key->data, key->len);
	k.len += key->len;
	if (!type_is_number(s->field->type))
		k.data[k.len++] = 0;
	key_add_u64(&k, c->descending ? id : id + 1);
	if (c->descending && bytes_compare(key_bytes(&k), key_bytes(&s->high)) < 0)
		walk_seek_back(c->walks[0], key_bytes(&k));
	else if (!c->descending && bytes_compare(key_bytes(&k), key_bytes(&s->low)) > 0)
		walk_seek(c->walks[0], key_bytes(&k));
}

static bool next_all(struct cursor *c, uint64_t *id)
{
	struct bytes key;

	if (!step(c->walks[0], c->descending, &key) || key.len != 10)
		return false;
	*id = get_be64(key.data + 2);
	return c->descending ? *id >= c->source->id_low : *id <= c->source->id_high;
}

static bool next_range(struct cursor *c, uint64_t *id)
{
	const struct source *s = c->source;

	if (!step(c->walks[0], c->descending, &c->key))
		return false;
	*id = key_index_id(c->key);
	return c->descending ? bytes_compare(c->key, key_bytes(&s->low)) >= 0
			     : bytes_compare(c->key, key_bytes(&s->high)) <= 0;
}

static bool next_of_ids(struct cursor *c, uint64_t *id)
{
	const struct source *s = c->source;

	if (c->at >= s->nids)
		return false;
	*id = s->ids[c->descending ? s->nids - 1 - c->at : c->at];
	c->at++;
	return true;
}

/* Moves one walk; entries of a longer value that starts alike are passed over. */
static void move_head(struct cursor *c, size_t i)
{
	size_t len = c->source->lists[i].len + 8;
	struct bytes key;

	c->heads[i] = 0;
	while (step(c->walks[i], c->descending, &key)) {
		if (key.len == len) {
			c->heads[i] = key_index_id(key);
			return;
		}
	}
}

static bool next_of_lists(struct cursor *c, uint64_t *id)
{
	uint64_t best = 0;

	for (size_t i = 0; i < c->nwalks && !c->primed; i++)
		move_head(c, i);
	c->primed = true;
	for (size_t i = 0; i < c->nwalks; i++) {
		uint64_t head = c->heads[i];
		if (head && (!best || (c->descending ? head > best : head < best)))
			best = head;
	}
	for (size_t i = 0; i < c->nwalks && best; i++) {
		if (c->heads[i] == best)
			move_head(c, i);
	}
	*id = best;
	return best != 0;
}

bool cursor_next(struct cursor *c, uint64_t *id)
{
	switch (c->source->kind) {
	case SOURCE_ALL:
		return next_all(c, id);
	case SOURCE_LISTS:
		return next_of_lists(c, id);
	case SOURCE_IDS:
		return next_of_ids(c, id);
	case SOURCE_RANGE:
		return next_range(c, id);
	}
	return false;
}

void cursor_key(const struct cursor *c, struct position_key *out)
{
	size_t tail = type_is_number(c->source->field->type) ? 8 : 9;

	out->has = true;
	out->len = 0;
	if (c->key.len < 4 + tail || c->key.len - 4 - tail > KEY_MAX)
		return;
	out->len = (uint8_t)(c->key.len - 4 - tail);
	memcpy(out->data, c->key.data + 4, out->len);
}

size_t source_estimate(struct txn *t, const struct entity *entity, const struct source *s)
{
	struct cursor *c;
	uint64_t id;
	size_t n = 0;

	if (s->kind == SOURCE_IDS)
		return s->nids;
	if (cursor_open(t, entity, s, true, &c, NULL))
		return ESTIMATE_MAX + 1;
	while (n <= ESTIMATE_MAX && cursor_next(c, &id))
		n++;
	cursor_close(&c);
	return n;
}
