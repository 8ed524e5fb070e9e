/* Verifying files: every chunk stands and belongs, the hash is that of the bytes, records name files that are there. */
#include "server/store/check.h"
#include "server/store/file.h"

static void check_bytes(struct check *c, const struct file_info *info)
{
	uint8_t hash[FILE_HASH];
	struct error e;

	error_init(&e);
	if (file_hash(c->t, info->id, hash, &e))
		check_damage(c, "file \"%llu\" cannot be read: %s", (unsigned long long)info->id,
			e.message);
	else if (info->state != FILE_STAGED && memcmp(hash, info->sha256, FILE_HASH) != 0)
		check_damage(c, "file \"%llu\" has other bytes than its hash says",
			(unsigned long long)info->id);
	error_clear(&e);
}

/* Chunks behind the last one belong to nobody. */
static bool belongs(const struct file_info *info, struct bytes key)
{
	return info->state && key.len == 12 && get_be64(key.data) == info->id &&
	       (uint64_t)get_be32(key.data + 8) * FILE_CHUNK < info->size;
}

static void check_header(struct check *c, uint64_t id, struct buf *room, struct file_info *info)
{
	struct key staged = key_pair(0, id);
	struct error e;

	error_init(&e);
	if (file_info_read(c->t, id, room, info, &e)) {
		check_damage(c, "%s", e.message);
		*info = (struct file_info){ 0 };
	} else {
		if (txn_has(c->t, SPACE_FILE, key_bytes(&staged)) == (info->state == FILE_KEPT))
			check_damage(c, "file \"%llu\" is kept and staged at once, or neither",
				(unsigned long long)id);
		c->counts.files += info->state == FILE_KEPT;
		c->counts.uploads += info->state != FILE_KEPT;
		check_bytes(c, info);
	}
	error_clear(&e);
}

void check_files(struct check *c)
{
	struct bytes none = { 0 }, key;
	struct buf room = BUF_INIT;
	struct file_info info = { 0 };
	struct walk *w;

	if (walk_open(c->t, SPACE_FILE, none, &w, NULL))
		return;
	while (walk_next(w, &key)) {
		struct key header = key_number(key.len == 16 ? get_be64(key.data + 8) : 0);
		if (key.len == 8)
			check_header(c, get_be64(key.data), &room, &info);
		else if (key.len == 16 ? !txn_has(c->t, SPACE_FILE, key_bytes(&header))
				       : !belongs(&info, key))
			check_damage(c, "a row of the files belongs to none");
	}
	walk_close(&w);
	buf_free(&room);
}

void check_file_value(struct check *c, const struct shape *sh, uint64_t id, const struct field *f,
	struct bytes value)
{
	struct buf room = BUF_INIT;
	struct file_value v;
	struct file_info info;

	if (file_value_read(value, &v) &&
		(file_info_read(c->t, v.id, &room, &info, NULL) || info.state != FILE_KEPT ||
			info.size != v.size ||
			!bytes_equal(v.sha256, bytes_of(info.sha256, FILE_HASH))))
		check_damage(c, "%s \"%llu\": %s names a file that is not there as it says",
			sh->entity->name, (unsigned long long)id, f->name);
	buf_free(&room);
}
