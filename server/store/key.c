#include "server/store/key.h"
#include "server/store/store.h"

bool key_is_hashed(const struct field *f)
{
	return f->class == CLASS_PERSONAL || f->class == CLASS_SENSITIVE ||
	       (f->flags & F_PERSONAL_IF_PERSON);
}

/* The keyed hash of a value: equal in normal form, equal hash. */
static void add_hash(struct key *k, const struct store *s, const char *purpose, size_t len,
	const struct entity *entity, const struct field *f, const struct wire_field *w)
{
	uint8_t local[KEY_MAX], hash[KEY_HASH];
	struct buf in = BUF_INIT;

	buf_reserve(&in, 64);
	buf_add_u16(&in, entity->number);
	buf_add_u16(&in, f->tag);
	if (w->wire == WIRE_VARINT)
		buf_add(&in, local, type_key(f, w, local));
	else
		type_normal(f, w->bytes, &in);
	store_hash(s, purpose, buf_bytes(&in), hash);
	memcpy(k->data + k->len, hash, len);
	k->len += len;
	buf_free(&in);
}

struct key key_index_value(const struct store *s, const struct entity *entity,
	const struct field *f, const struct wire_field *w)
{
	struct key k = key_index(entity->number, f->tag);

	if (key_is_hashed(f)) {
		add_hash(&k, s, "idx", KEY_INDEX_HASH, entity, f, w);
		return k;
	}
	k.len += type_key(f, w, k.data + k.len);
	if (!type_is_number(f->type))
		k.data[k.len++] = 0;
	return k;
}

void key_value_hash(const struct store *s, const struct entity *entity, const struct field *f,
	const struct wire_field *w, uint8_t out[KEY_HASH])
{
	struct key k = { 0 };

	add_hash(&k, s, "uniq", KEY_HASH, entity, f, w);
	memcpy(out, k.data, KEY_HASH);
}

struct key key_unique(const struct store *s, const struct entity *entity, const struct field *f,
	const struct wire_field *w)
{
	struct key k = key_index(entity->number, f->tag);
	struct buf normal = BUF_INIT;

	if (!key_is_hashed(f) && w->wire == WIRE_BYTES)
		type_normal(f, w->bytes, &normal);
	if (normal.len > 0 && normal.len <= KEY_UNIQUE_TEXT) {
		memcpy(k.data + k.len, normal.data, normal.len);
		k.len += normal.len;
		k.data[k.len++] = 0;
	} else {
		add_hash(&k, s, "uniq", KEY_HASH, entity, f, w);
	}
	buf_free(&normal);
	return k;
}
