/* Fields of type file: an upload that is complete becomes the value of the record that names it. */
#include "server/model/files.h"
#include "server/store/file.h"

/* The upload that the draft names, as the record shall hold it. */
static enum status take_over(struct draft *d, const struct file_value *named, struct buf *out)
{
	struct buf room = BUF_INIT;
	struct file_info info;
	struct error e;
	uint64_t id;
	enum status s;

	error_init(&e);
	s = named->id ? STATUS_NOT_FOUND : file_find(d->w->txn, d->w->user, named->sha256, &id, &e);
	if (!s)
		s = file_info_read(d->w->txn, id, &room, &info, &e);
	if (!s && info.entity != d->w->entity->number)
		s = STATUS_NOT_FOUND;
	if (!s) {
		struct file_value v = { .id = info.id,
			.size = info.size,
			.sha256 = bytes_of(info.sha256, FILE_HASH),
			.name = info.name };
		file_value_write(&v, out);
	}
	error_clear(&e);
	buf_free(&room);
	return s;
}

static void prepare_field(struct draft *d, const struct field *f)
{
	struct bytes value = record_text(draft_bytes(d), f->tag);
	struct buf taken = BUF_INIT;
	struct file_value v;

	if (!file_value_read(value, &v) || take_over(d, &v, &taken))
		draft_bad(d, f->name, "is not an upload that is complete");
	else
		draft_set_text(d, f->name, buf_bytes(&taken));
	buf_free(&taken);
}

void files_prepare(struct draft *d)
{
	const struct entity *en = d->w->entity;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f->type == T_FILE && draft_changed(d, f->name) && draft_has(d, f->name))
			prepare_field(d, f);
	}
}

enum status files_after(struct txn *t, const struct entity *entity, const struct stored *before,
	const struct stored *after, struct error *e)
{
	struct file_value v;
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < entity->nfields; i++) {
		const struct field *f = &entity->fields[i];
		if (f->type != T_FILE || (before && !value_changed(entity, before, after, f->name)))
			continue;
		if (file_value_read(record_text(after->fields, f->tag), &v))
			s = file_keep(t, v.id, e);
	}
	return s;
}
