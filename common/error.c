#include "common/error.h"
#include <glib.h>

void error_init(struct error *e)
{
	*e = (struct error){ 0 };
}

static void field_error_release(struct field_error *f)
{
	g_free(f->field);
	g_free(f->message);
	g_free(f->current);
	g_free(f->yours);
}

void error_clear(struct error *e)
{
	for (size_t i = 0; i < e->nfields; i++)
		field_error_release(&e->fields[i]);
	g_free(e->fields);
	error_init(e);
}

/* Cuts a message that filled its room back to the last whole character. */
static void cut_to_utf8(char *message)
{
	const char *end;

	if (!g_utf8_validate(message, -1, &end) && strlen(end) < 4)
		message[end - message] = '\0';
}

__attribute__((format(printf, 3, 0))) static void set_message(
	struct error *e, enum status status, const char *format, va_list args)
{
	char whole[sizeof(e->message)]; /* an argument may be the message that stands there */

	vsnprintf(whole, sizeof(whole), format, args);
	cut_to_utf8(whole);
	e->status = status;
	e->reason[0] = '\0';
	g_strlcpy(e->message, whole, sizeof(e->message));
}

enum status error_set(struct error *e, enum status status, const char *format, ...)
{
	va_list args;

	if (!e)
		return status;
	va_start(args, format);
	set_message(e, status, format, args);
	va_end(args);
	return status;
}

enum status error_reason(
	struct error *e, enum status status, const char *reason, const char *format, ...)
{
	va_list args;

	if (!e)
		return status;
	va_start(args, format);
	set_message(e, status, format, args);
	va_end(args);
	g_strlcpy(e->reason, reason, sizeof(e->reason));
	return status;
}

static struct field_error *add_field(struct error *e, const char *field)
{
	struct field_error *f;

	e->fields = g_renew(struct field_error, e->fields, e->nfields + 1);
	f = &e->fields[e->nfields++];
	*f = (struct field_error){ .field = g_strdup(field) };
	return f;
}

enum status error_field(struct error *e, const char *field, const char *format, ...)
{
	va_list args;

	if (!e)
		return STATUS_INVALID;
	va_start(args, format);
	add_field(e, field)->message = g_strdup_vprintf(format, args);
	va_end(args);
	if (e->status == STATUS_OK)
		e->status = STATUS_INVALID;
	return e->status;
}

enum status error_conflict(
	struct error *e, const char *field, const char *current, const char *yours)
{
	struct field_error *f;

	if (!e)
		return STATUS_CONFLICT;
	f = add_field(e, field);
	f->message = g_strdup("was changed meanwhile");
	f->current = g_strdup(current);
	f->yours = g_strdup(yours);
	e->status = STATUS_CONFLICT;
	return e->status;
}

void error_candidate(
	struct error *e, const char *field, const char *candidate, const char *format, ...)
{
	struct field_error *f;
	va_list args;

	if (!e)
		return;
	va_start(args, format);
	f = add_field(e, field);
	f->message = g_strdup_vprintf(format, args);
	f->current = g_strdup(candidate);
	va_end(args);
}

void error_prefix(struct error *e, const char *format, ...)
{
	char prefix[sizeof(e->message)];
	char whole[sizeof(e->message)];
	va_list args;

	if (!e)
		return;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%.200s: %.270s", prefix, e->message);
	cut_to_utf8(whole);
	g_strlcpy(e->message, whole, sizeof(e->message));
}

void error_move(struct error *to, struct error *from)
{
	error_clear(to);
	*to = *from;
	error_init(from);
}

static const char *const names[] = {
	[STATUS_OK] = "ok",
	[STATUS_INTERNAL] = "internal",
	[STATUS_USAGE] = "usage",
	[STATUS_NOT_FOUND] = "not_found",
	[STATUS_DENIED] = "denied",
	[STATUS_CONFLICT] = "conflict",
	[STATUS_INVALID] = "invalid",
	[STATUS_DUPLICATE] = "duplicate",
	[STATUS_UNREACHABLE] = "unreachable",
	[STATUS_UNAUTHENTICATED] = "unauthenticated",
	[STATUS_PENDING] = "pending",
	[STATUS_PARTIAL] = "partial",
	[STATUS_BUSY] = "busy",
	[STATUS_UNTRUSTED] = "untrusted",
	[STATUS_STORAGE_FULL] = "storage_full",
	[STATUS_OUTCOME_UNKNOWN] = "outcome_unknown",
	[STATUS_TIMEOUT] = "timeout",
	[STATUS_INTERRUPTED] = "interrupted",
};

const char *status_name(enum status status)
{
	if ((size_t)status < G_N_ELEMENTS(names) && names[status])
		return names[status];
	return "internal";
}
