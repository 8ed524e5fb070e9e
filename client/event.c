#include "client/event.h"
#include "client/json.h"
#include "client/print.h"
#include "client/program.h"
#include "common/frame.h"
#include "common/text.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void add_number(struct buf *out, bool *first, const char *key, bool has, uint64_t v)
{
	if (!has)
		return;
	json_add_key(out, first, key);
	buf_printf(out, "%llu", (unsigned long long)v);
}

static void add_text(struct buf *out, bool *first, const char *key, bool has, ProtobufCBinaryData v)
{
	if (!has)
		return;
	json_add_key(out, first, key);
	json_add_string(out, pb_bytes(v));
}

static void add_instant(struct buf *out, bool *first, const char *key, bool has, uint64_t ms)
{
	if (!has)
		return;
	json_add_key(out, first, key);
	buf_add_u8(out, '"');
	instant_format((int64_t)ms, out);
	buf_add_u8(out, '"');
}

static void add_subject(const struct app *app, const Guanxi__Event *event, struct buf *out)
{
	struct view v;
	struct buf name = BUF_INIT;
	bool first = true;

	buf_add_u8(out, '{');
	if (view_init_named(&v, app, event->subject, event->name, event->n_name)) {
		view_title(&v, &name);
		json_add_key(out, &first, "entity");
		json_add_str(out, v.entity->name);
	}
	add_number(out, &first, "id", true, event->subject->id);
	if (name.len) {
		json_add_key(out, &first, "name");
		json_add_string(out, buf_bytes(&name));
	}
	buf_add_u8(out, '}');
	view_release(&v);
	buf_free(&name);
}

static void add_record(const struct app *app, const Guanxi__Event *event, struct buf *out)
{
	struct view v;

	if (view_init_named(&v, app, event->record, event->name, event->n_name))
		view_json(&v, out);
	else
		buf_add_str(out, "null");
	view_release(&v);
}

void event_json(const struct app *app, const Guanxi__Event *event, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	add_number(out, &first, "seq", event->has_seq, event->seq);
	add_number(out, &first, "prev", event->has_prev, event->prev);
	add_text(out, &first, "kind", event->has_kind, event->kind);
	if (event->record)
		add_number(out, &first, "id", true, event->record->id);
	add_text(out, &first, "title", event->has_title, event->title);
	add_instant(out, &first, "due", event->has_due_ms, event->due_ms);
	add_instant(out, &first, "fired", event->has_fired_ms, event->fired_ms);
	add_text(out, &first, "occurrence", event->has_occurrence, event->occurrence);
	if (event->has_late) {
		json_add_key(out, &first, "late");
		buf_add_str(out, event->late ? "true" : "false");
	}
	add_number(out, &first, "lag_us", event->has_lag_us, event->lag_us);
	add_number(out, &first, "operation", event->has_operation, event->operation);
	add_text(out, &first, "reason", event->has_reason, event->reason);
	if (event->subject) {
		json_add_key(out, &first, "subject");
		add_subject(app, event, out);
	}
	if (event->record) {
		json_add_key(out, &first, "record");
		add_record(app, event, out);
	}
	buf_add_u8(out, '}');
}

static void add_name(const struct app *app, const Guanxi__Record *record,
	const Guanxi__Event *event, struct buf *out)
{
	struct view v;

	if (view_init_named(&v, app, record, event->name, event->n_name))
		view_title(&v, out);
	view_release(&v);
}

void event_line(const struct app *app, const Guanxi__Event *event, struct buf *out)
{
	struct buf subject = BUF_INIT, title = BUF_INIT;

	if (event->has_due_ms || event->has_fired_ms) {
		zone_format(app_zone(app),
			(int64_t)(event->has_due_ms ? event->due_ms : event->fired_ms), out);
		buf_add_str(out, "  ");
	}
	if (!bytes_equal_str(pb_bytes(event->kind), "reminder")) {
		text_add_safe(out, pb_bytes(event->kind));
		buf_add_str(out, "  ");
	}
	if (event->has_title)
		buf_add_bytes(&title, pb_bytes(event->title));
	else if (event->record)
		add_name(app, event->record, event, &title);
	text_add_safe(out, buf_bytes(&title));
	if (event->subject)
		add_name(app, event->subject, event, &subject);
	if (subject.len && !(title.len >= subject.len &&
				   memmem(title.data, title.len, subject.data, subject.len))) {
		buf_add_str(out, "  ");
		text_add_safe(out, buf_bytes(&subject));
	}
	if (event->late)
		buf_printf(out, "  (%s)", app_tr(app, "late"));
	if (event->record)
		buf_printf(out, "  #%llu", (unsigned long long)event->record->id);
	buf_free(&subject);
	buf_free(&title);
}

/* Beside the terminal; a desktop that cannot show it keeps nothing back. */
static void notify(const struct app *app, const char *title, const char *text)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execlp("notify-send", "notify-send", "--app-name=guanxi", "--", title, text,
			(char *)NULL);
		_exit(127);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && status)
		app_say(app, app_tr(app, "the desktop does not show notifications"));
}

static void pass_on(
	const struct app *app, const Guanxi__Event *event, struct bytes json, struct bytes line)
{
	struct buf text = BUF_INIT, more = BUF_INIT;

	/* one after the other */
	if (app->opt.exec && !program_run(app->opt.exec, json))
		app_say(app, app_tr(app, "the command of --exec failed"));
	/* what clears another has been handled elsewhere */
	if (!app->opt.notify || bytes_equal_str(pb_bytes(event->kind), "cleared"))
		return;
	text_add_safe(&text, event->has_title ? pb_bytes(event->title) : pb_bytes(event->kind));
	buf_add_bytes(&more, line);
	notify(app, buf_str(&text), buf_str(&more));
	buf_free(&text);
	buf_free(&more);
}

enum status event_alarm(struct app *app, const Guanxi__Event *event, struct error *e)
{
	struct buf json = BUF_INIT, text = BUF_INIT;

	event_json(app, event, &json);
	buf_add_str(&json, "\n");
	text_add_safe(&text, pb_bytes(event->reason));
	app_say(app, app_tr(app, "alarm: %s"), buf_str(&text));
	pass_on(app, event, buf_bytes(&json), buf_bytes(&text));
	buf_free(&json);
	buf_free(&text);
	return STATUS_OK;
}

enum status event_show(struct app *app, const Guanxi__Event *event, struct error *e)
{
	struct buf json = BUF_INIT, text = BUF_INIT, line = BUF_INIT;
	bool wants_json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL;

	event_json(app, event, &json);
	buf_add_str(&json, "\n");
	event_line(app, event, &line);
	buf_add_bytes(&text, buf_bytes(&line));
	buf_add_str(&text, isatty(STDOUT_FILENO) ? "\a\n" : "\n");
	enum status st = out_write(wants_json ? buf_bytes(&json) : buf_bytes(&text), e);
	if (!st)
		pass_on(app, event, buf_bytes(&json), buf_bytes(&line));
	buf_free(&line);
	buf_free(&json);
	buf_free(&text);
	return st;
}
