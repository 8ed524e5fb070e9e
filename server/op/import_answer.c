/* What becomes of the rows, told in the reply. */
#include "server/op/import.h"

static enum status no_room(struct error *e)
{
	return error_set(e, STATUS_INVALID, "reply too large");
}

static enum status row_errors(
	struct arena *arena, const struct error *from, Guanxi__Status *to, struct error *e)
{
	to->field = arena_alloc(arena, (from->nfields + 1) * sizeof(*to->field));
	if (!to->field)
		return no_room(e);
	for (size_t i = 0; i < from->nfields; i++) {
		Guanxi__FieldError *f = arena_alloc(arena, sizeof(*f));
		if (!f)
			return no_room(e);
		guanxi__field_error__init(f);
		f->field = pb_from(arena_copy(arena, bytes_str(from->fields[i].field)));
		f->message = pb_from(arena_copy(arena, bytes_str(from->fields[i].message)));
		to->field[to->n_field++] = f;
	}
	to->has_message = from->message[0] != 0;
	to->message = pb_from(arena_copy(arena, bytes_str(from->message)));
	return STATUS_OK;
}

/* Values of the file by which a later row may meet this one: the client of a dry run remembers them, because nothing else does. */
static enum status row_keys(struct import *im, const struct row *row, Guanxi__RowResult *r)
{
	struct call *c = im->t.call;
	const struct entity *en = im->t.entity;
	uint8_t key[18];

	r->key = arena_alloc(c->arena, (en->nfields + 1) * sizeof(*r->key));
	for (size_t i = 0; r->key && i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f != im->key && !(f->flags & F_UNIQUE))
			continue;
		if (!store_value_hash(c->txn, en, f, buf_bytes(&row->patch.fields), key + 2))
			continue;
		put_be16(key, f->tag);
		r->key[r->n_key++] = pb_from(arena_copy(c->arena, bytes_of(key, sizeof(key))));
	}
	return r->key ? STATUS_OK : STATUS_INVALID;
}

static void count(struct import *im, const struct row *row, enum status status)
{
	struct job *job = &im->job;

	if (status)
		job->rejected++;
	else if (!strcmp(row->action, "added"))
		job->added++;
	else if (!strcmp(row->action, "updated"))
		job->updated++;
	else if (!strcmp(row->action, "unchanged"))
		job->unchanged++;
	else
		job->skipped++;
	job->line = row->in->line;
}

enum status row_answer(struct import *im, struct row *row, enum status status,
	const struct error *why, struct error *e)
{
	struct call *c = im->t.call;
	Guanxi__RowResult *r = arena_alloc(c->arena, sizeof(*r));
	Guanxi__Status *st = arena_alloc(c->arena, sizeof(*st));

	if (!r || !st)
		return no_room(e);
	guanxi__row_result__init(r);
	guanxi__status__init(st);
	st->code = (Guanxi__Code)status;
	r->status = st;
	r->line = row->in->line;
	r->has_id = row->id != 0 && !status && (row->found || !c->request->dry_run);
	r->id = row->id;
	r->has_action = row->action && !status;
	r->action = pb_from(bytes_str(row->action ? row->action : ""));
	c->reply->row[c->reply->n_row++] = r;
	count(im, row, status);
	if (!status && !row->found && c->request->dry_run && row_keys(im, row, r))
		return no_room(e);
	return status ? row_errors(c->arena, why, st, e) : STATUS_OK;
}

enum status row_taken(struct import *im, const Guanxi__Row *in, struct error *e)
{
	struct row row = { .in = in, .action = "done" };
	struct job before = im->job;
	enum status s = row_answer(im, &row, STATUS_OK, NULL, e);

	im->job = before;
	return s;
}
