#include "client/pipeline.h"
#include "client/catalog.h"
#include "client/grid.h"
#include "client/link.h"

struct slot {
	uint64_t id; /* of the request; 0: no reply awaited */
	uint64_t tag;
	bool many;
	bool ready;
	struct buf text;
};

struct pipeline {
	struct app *app;
	pipeline_reply *on_reply;
	void *arg;
	struct slot slots[PIPELINE_WINDOW];
	size_t first; /* oldest slot */
	size_t n;
	size_t waiting;
};

struct pipeline *pipeline_new(struct app *app, pipeline_reply *f, void *arg)
{
	struct pipeline *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->app = app;
	p->on_reply = f;
	p->arg = arg;
	return p;
}

void pipeline_free(struct pipeline **pp)
{
	struct pipeline *p = *pp;

	if (!p)
		return;
	for (size_t i = 0; i < PIPELINE_WINDOW; i++)
		buf_free(&p->slots[i].text);
	free(p);
	*pp = NULL;
}

size_t pipeline_waiting(const struct pipeline *p)
{
	return p->waiting;
}

/* Prints what is ready at the front. */
static enum status drain(struct pipeline *p, struct error *e)
{
	enum status st = STATUS_OK;

	while (!st && p->n && p->slots[p->first].ready) {
		struct slot *s = &p->slots[p->first];

		st = out_write(buf_bytes(&s->text), e);
		buf_clear(&s->text);
		s->ready = false;
		p->first = (p->first + 1) % PIPELINE_WINDOW;
		p->n--;
	}
	return st;
}

enum status pipeline_take(struct pipeline *p, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = link_next(p->app->link, 0, &reply, e);

	if (!st && !catalog_is_current(p->app)) {
		reply = answer_keep(p->app, reply);
		st = catalog_sync(p->app, e);
	}

	for (size_t i = 0; !st && i < p->n; i++) {
		struct slot *s = &p->slots[(p->first + i) % PIPELINE_WINDOW];

		if (s->id != reply->id || s->ready)
			continue;
		p->on_reply(p->arg, s->tag, s->many, reply, &s->text);
		s->ready = true;
		p->waiting--;
		break;
	}
	return st ? st : drain(p, e);
}

/* The next free slot, after waiting for one if need be. */
static enum status new_slot(struct pipeline *p, struct slot **out, struct error *e)
{
	enum status st = STATUS_OK;

	while (!st && p->n == PIPELINE_WINDOW)
		st = pipeline_take(p, e);
	if (st)
		return st;
	*out = &p->slots[(p->first + p->n++) % PIPELINE_WINDOW];
	(*out)->id = 0;
	(*out)->ready = false;
	return STATUS_OK;
}

enum status pipeline_send(
	struct pipeline *p, Guanxi__Request *r, uint64_t tag, bool many, struct error *e)
{
	struct slot *s;
	enum status st = new_slot(p, &s, e);

	if (!st)
		st = link_send(p->app->link, r, e);
	if (st)
		return st;
	s->id = r->id;
	s->tag = tag;
	s->many = many;
	p->waiting++;
	return STATUS_OK;
}

enum status pipeline_answer(struct pipeline *p, struct bytes text, struct error *e)
{
	struct slot *s;
	enum status st = new_slot(p, &s, e);

	if (st)
		return st;
	buf_add_bytes(&s->text, text);
	s->ready = true;
	return drain(p, e);
}

enum status pipeline_finish(struct pipeline *p, struct error *e)
{
	enum status st = STATUS_OK;

	while (!st && p->waiting)
		st = pipeline_take(p, e);
	return st ? st : drain(p, e);
}
