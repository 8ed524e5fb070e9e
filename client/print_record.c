#include "client/catalog.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "common/frame.h"
#include <unistd.h>

const char *field_label(const struct app *app, const struct field *f)
{
	const char *label = app->chinese ? f->zh : f->en;

	return label && *label ? label : f->name;
}

const char *entity_label(const struct app *app, const struct entity *en)
{
	const char *label = app->chinese ? en->zh : en->en;

	return label && *label ? label : en->name;
}

/* The zone of this machine; NULL: unknown. */
static const struct zone *local_zone(void)
{
	const char *tz = getenv("TZ"), *at;
	char link[256];
	ssize_t n;

	if (tz && *tz)
		return zone_find(*tz == ':' ? tz + 1 : tz);
	n = readlink("/etc/localtime", link, sizeof link - 1);
	if (n <= 0)
		return NULL;
	link[n] = '\0';
	at = strstr(link, "zoneinfo/");
	return at ? zone_find(at + strlen("zoneinfo/")) : NULL;
}

const struct zone *app_zone(const struct app *app)
{
	const struct zone *zone = link_zone(app->link);

	return zone ? zone : local_zone();
}

/* A choice that the reply did not name: its entry in the schema. */
static bool choice_name(
	const struct view *v, uint64_t id, struct bytes *display, struct bytes *code)
{
	const Guanxi__Schema *m = catalog_message(v->app);

	for (size_t i = 0; m && i < m->n_entity; i++)
		for (size_t j = 0; j < m->entity[i]->n_field; j++) {
			const Guanxi__Field *f = m->entity[i]->field[j];

			for (size_t k = 0; k < f->n_choice; k++)
				if (f->choice[k]->id == id) {
					*code = pb_bytes(f->choice[k]->code);
					*display =
						pb_bytes(v->app->chinese ? f->choice[k]->label_zh
									 : f->choice[k]->label_en);
					return true;
				}
		}
	return false;
}

static bool name_of(
	void *arg, const char *entity, uint64_t id, struct bytes *display, struct bytes *code)
{
	const struct view *v = arg;
	const struct entity *en = schema_entity(v->schema, bytes_str(entity));

	for (size_t i = 0; en && i < v->nnames; i++)
		if (v->names[i]->entity == en->number && v->names[i]->id == id) {
			*display = pb_bytes(v->names[i]->display);
			*code = pb_bytes(v->names[i]->code);
			return true;
		}
	return strcmp(entity, CHOICE_ENTITY) == 0 && choice_name(v, id, display, code);
}

bool view_init_named(struct view *v, const struct app *app, const Guanxi__Record *record,
	Guanxi__Name *const *names, size_t n)
{
	*v = (struct view){ .app = app, .record = record, .names = names, .nnames = n };
	v->schema = catalog_schema(app);
	if (!v->schema || record->entity > UINT16_MAX)
		return false;
	v->entity = schema_entity_by_number(v->schema, (uint16_t)record->entity);
	if (!v->entity)
		return false;
	record_sort(pb_bytes(record->fields), &v->fields);
	return true;
}

bool view_init(struct view *v, const struct app *app, const Guanxi__Record *record,
	const Guanxi__Reply *reply)
{
	return view_init_named(v, app, record, reply->name, reply->n_name);
}

void view_release(struct view *v)
{
	buf_free(&v->fields);
}

bool view_masked(const struct view *v, const struct field *f)
{
	for (size_t i = 0; i < v->record->n_masked; i++)
		if (v->record->masked[i] == f->tag)
			return true;
	return false;
}

static struct bytes run_of(const struct view *v, const struct field *f)
{
	return record_run(buf_bytes(&v->fields), f->tag);
}

bool view_has(const struct view *v, const struct field *f)
{
	return f->tag == TAG_ID || f->tag == TAG_VERSION || view_masked(v, f) || run_of(v, f).len;
}

static struct format_context context_of(const struct view *v)
{
	return (struct format_context){ .arg = (void *)v,
		.name = name_of,
		.schema = v->schema,
		.zone = app_zone(v->app),
		.chinese = v->app->chinese };
}

void view_cell(const struct view *v, const struct field *f, enum form form, struct buf *out)
{
	struct format_context ctx = context_of(v);

	if (f->tag == TAG_ID)
		buf_printf(out, "%llu", (unsigned long long)v->record->id);
	else if (f->tag == TAG_VERSION)
		buf_printf(out, "%llu", (unsigned long long)v->record->version);
	else if (view_masked(v, f))
		buf_add_str(out, "***");
	else
		type_format_run(f, run_of(v, f), form, &ctx, out);
}

static bool json_is_bare(enum field_type type)
{
	switch (type) {
	case T_INTEGER:
	case T_DECIMAL:
	case T_PERCENT:
	case T_BOOL:
	case T_REF:
	case T_REFS:
	case T_INTEGERS:
		return true;
	default:
		return false;
	}
}

static void json_one(
	const struct view *v, const struct field *f, const struct wire_field *w, struct buf *out)
{
	struct format_context ctx = context_of(v);
	struct buf text = BUF_INIT;

	type_format(f, w, v->portable ? FORM_PORTABLE : FORM_CODE, &ctx, &text);
	if (json_is_bare(f->type) && text.len && !(v->portable && type_is_reference(f->type)))
		buf_add_bytes(out, buf_bytes(&text));
	else
		json_add_string(out, buf_bytes(&text));
	buf_free(&text);
}

void view_json_value(const struct view *v, const struct field *f, struct buf *out)
{
	struct bytes rest = run_of(v, f);
	struct wire_field w;
	bool list = type_is_list(f->type), any = false;

	if (view_masked(v, f)) {
		buf_add_str(out, "\"***\"");
		return;
	}
	if (f->tag == TAG_ID || f->tag == TAG_VERSION) {
		view_cell(v, f, FORM_CODE, out);
		return;
	}
	if (list)
		buf_add_u8(out, '[');
	while (record_next(&rest, &w, NULL) && (list || !any)) {
		if (any)
			buf_add_u8(out, ',');
		any = true;
		json_one(v, f, &w, out);
	}
	if (list)
		buf_add_u8(out, ']');
	else if (!any)
		buf_add_str(out, "null");
}

static void json_masked(const struct view *v, bool *first, struct buf *out)
{
	bool first_name = true;

	if (!v->record->n_masked)
		return;
	json_add_key(out, first, "masked");
	buf_add_u8(out, '[');
	for (size_t i = 0; i < v->entity->nfields; i++) {
		if (!view_masked(v, &v->entity->fields[i]))
			continue;
		if (!first_name)
			buf_add_u8(out, ',');
		first_name = false;
		json_add_str(out, v->entity->fields[i].name);
	}
	buf_add_u8(out, ']');
}

void view_json_members(const struct view *v, bool *first, struct buf *out)
{
	json_add_key(out, first, "id");
	buf_printf(out, "%llu", (unsigned long long)v->record->id);
	json_add_key(out, first, "version");
	buf_printf(out, "%llu", (unsigned long long)v->record->version);
	for (size_t i = 0; i < v->entity->nfields; i++) {
		const struct field *f = &v->entity->fields[i];

		if (f->tag == TAG_ID || f->tag == TAG_VERSION || !view_has(v, f))
			continue;
		json_add_key(out, first, f->name);
		view_json_value(v, f, out);
	}
	json_masked(v, first, out);
}

void view_json(const struct view *v, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	view_json_members(v, &first, out);
	buf_add_u8(out, '}');
}

void view_title(const struct view *v, struct buf *out)
{
	size_t before = out->len;
	const struct field *f =
		v->entity->name_field ? entity_field_named(v->entity, v->entity->name_field) : NULL;

	if (f)
		view_cell(v, f, FORM_DISPLAY, out);
	if (out->len == before)
		buf_printf(out, "%s %llu", entity_label(v->app, v->entity),
			(unsigned long long)v->record->id);
}

void hex_add(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		buf_printf(out, "%02x", b.data[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_parse(const char *hex, struct buf *out)
{
	for (; hex[0]; hex += 2) {
		int high = hex_digit(hex[0]), low = hex[1] ? hex_digit(hex[1]) : -1;

		if (high < 0 || low < 0)
			return false;
		buf_add_u8(out, (uint8_t)(high << 4 | low));
	}
	return true;
}
