/*
 * Every key of the store's own spaces is built here: big-endian, so that byte order is the order of values.
 *
 *   rec calc      entity u16 | id u64
 *   idx           entity u16 | tag u16 | value: a list of ids (posting.h)
 *   uniq          entity u16 | tag u16 | a short public text and 0x00, or hash[16]; with | claim u64 (uniq.c) for a record that waits for the value
 *   log body      seq u64
 *   hist          entity u16 | id u64 | seq u64
 *   oper          operation u64: a list of the numbers of log entries
 *   next          entity u16
 *   moved         entity u16 | old id u64
 *   file          see file.h
 *
 * The value of a list of idx is the field's key (type_key); that of a text is followed by 0x00; that of a personal or
 * sensitive field is a keyed hash[10]. Pseudo tags from 0xFF00 up hold who sees a record: the value is a u64. Records
 * in the trash stand under tag | KEY_TRASHED. Where keys of lists are compared with each other the id stands behind them as a u64.
 */
#ifndef SERVER_STORE_KEY_H
#define SERVER_STORE_KEY_H

#include "common/buf.h"
#include "common/type.h"

#define KEY_FORM_VERSION                                                                           \
	7 /* changes whenever a key of idx or uniq can change (type_key too): stores build theirs anew */
#define KEY_BYTES (4 + KEY_MAX + 1 + 8)
#define KEY_HASH 16
#define KEY_INDEX_HASH 10
#define KEY_UNIQUE_TEXT 40 /* bytes of a public text that uniq has as it is */

#define KEY_SCOPE_OWNER 0xFF01u    /* owner */
#define KEY_SCOPE_BRANCH 0xFF02u   /* branch */
#define KEY_SCOPE_POOL 0xFF03u     /* branch, only of records without an owner */
#define KEY_SCOPE_SEEN 0xFF04u     /* the user named by entity.seen_by_field */
#define KEY_SCOPE_PARENT 0xFF05u   /* record whose scope this one follows: any_ref() */
#define KEY_MATCH_NAME 0xFF06u     /* first 8 bytes of a keyed hash of the name as it is matched */
#define KEY_MATCH_BIRTHDAY 0xFF07u /* the same of name and birthday */
#define KEY_ALL 0xFF08u            /* no value: every record of the entity */
#define KEY_SCOPE_SHARED 0xFF09u   /* share_of_text() or share_of_entry() of entity.shared_field */
#define KEY_SCOPE_OPEN 0xFF0Au     /* 1: follows a record, of an entity with E_PRIVATE */
#define KEY_REFERS                                                                                 \
	0xFF0Bu /* tag of a reference, any_ref(): in the trash all, else those that the index does not tell */
#define KEY_TRASHED 0x0080u

struct key {
	size_t len;
	uint8_t data[KEY_BYTES];
};

static inline struct bytes key_bytes(const struct key *k)
{
	return (struct bytes){ k->data, k->len };
}

static inline void key_add_u16(struct key *k, uint16_t v)
{
	put_be16(k->data + k->len, v);
	k->len += 2;
}

static inline void key_add_u64(struct key *k, uint64_t v)
{
	put_be64(k->data + k->len, v);
	k->len += 8;
}

static inline struct key key_number(uint64_t v)
{
	struct key k;
	k.len = 0;
	key_add_u64(&k, v);
	return k;
}

static inline struct key key_pair(uint64_t a, uint64_t b)
{
	struct key k;
	k.len = 0;
	key_add_u64(&k, a);
	key_add_u64(&k, b);
	return k;
}

static inline struct key key_entity(uint16_t entity)
{
	struct key k;
	k.len = 0;
	key_add_u16(&k, entity);
	return k;
}

static inline struct key key_record(uint16_t entity, uint64_t id)
{
	struct key k;
	k.len = 0;
	key_add_u16(&k, entity);
	key_add_u64(&k, id);
	return k;
}

static inline struct key key_hist(uint16_t entity, uint64_t id, uint64_t seq)
{
	struct key k = key_record(entity, id);
	key_add_u64(&k, seq);
	return k;
}

/* All idx keys of one field. */
static inline struct key key_index(uint16_t entity, uint16_t tag)
{
	struct key k;
	k.len = 0;
	key_add_u16(&k, entity);
	key_add_u16(&k, tag);
	return k;
}

static inline struct key key_scope_value(uint16_t entity, uint16_t pseudo_tag, uint64_t value)
{
	struct key k = key_index(entity, pseudo_tag);
	key_add_u64(&k, value);
	return k;
}

static inline struct key key_refers(uint16_t entity, bool deleted, uint16_t tag, uint64_t ref)
{
	struct key k = key_index(entity, deleted ? KEY_REFERS | KEY_TRASHED : KEY_REFERS);
	key_add_u16(&k, tag);
	key_add_u64(&k, ref);
	return k;
}

static inline struct key key_scope(
	uint16_t entity, uint16_t pseudo_tag, uint64_t value, uint64_t id)
{
	struct key k = key_scope_value(entity, pseudo_tag, value);
	key_add_u64(&k, id);
	return k;
}

/* The list of a key with an id behind it. */
static inline struct bytes key_list(struct bytes key)
{
	return bytes_of(key.data, key.len < 8 ? 0 : key.len - 8);
}

/* The id behind it; 0 if there is none. */
static inline uint64_t key_index_id(struct bytes key)
{
	return key.len < 8 ? 0 : get_be64(key.data + key.len - 8);
}

struct store;

/* Whether values of the field stand in the index by a keyed hash, so that only equality can be asked. */
bool key_is_hashed(const struct field *f);
/* The list of all records that have the value. */
struct key key_index_value(const struct store *s, const struct entity *entity,
	const struct field *f, const struct wire_field *w);
/* What equal values of a field have in common: a keyed hash. */
void key_value_hash(const struct store *s, const struct entity *entity, const struct field *f,
	const struct wire_field *w, uint8_t out[KEY_HASH]);
/*
 * Key of a value (its normal form is made here) in uniq. Short public texts stand there as they are, so that numbers that are given or
 * imported in their order come to lie side by side.
 */
struct key key_unique(const struct store *s, const struct entity *entity, const struct field *f,
	const struct wire_field *w);

#endif
