/* What the helper that sends mail asks: the next mail, and what became of it. */
#include "server/remind/mail.h"
#include "common/text.h"
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/server.h"

static enum status console_only(const struct call *c, struct error *e)
{
	if (c->caller->user != 0)
		return error_set(e, STATUS_DENIED, "only on the server's console");
	return STATUS_OK;
}

static enum status value_number(struct call *c, const char *name, uint64_t n, struct error *e)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	return reply_value(c, name, bytes_str(text), e);
}

static enum status reply_mail(struct call *c, const struct mail *m, struct error *e)
{
	enum status s = value_number(c, "number", m->number, e);

	if (!s)
		s = value_number(c, "created_ms", (uint64_t)m->created_ms, e);
	if (!s)
		s = reply_value(c, "recipient", m->recipient, e);
	if (!s)
		s = reply_value(c, "subject", m->subject, e);
	return s ? s : reply_value(c, "body", m->body, e);
}

static enum status reply_settings(struct call *c, struct error *e)
{
	static const char *const names[] = { "mail.server", "mail.from", "mail.tls" };
	enum status s = STATUS_OK;

	for (size_t i = 0; i < 3 && !s; i++)
		s = reply_value(c, names[i], lookup_setting(call_lookup(c), names[i]), e);
	return s;
}

static enum status mail_take(struct call *c, struct error *e)
{
	struct bytes text = call_arg(c, "after");
	struct buf room = BUF_INIT;
	struct mail m;
	uint64_t after = 0;
	enum status s = console_only(c, e);

	if (!s && text.len && !text_number(text, &after))
		s = error_set(e, STATUS_USAGE, "after is not the number of a mail");
	if (!s)
		s = reply_settings(c, e);
	if (!s && lookup_setting(call_lookup(c), "mail.server").len) {
		s = mail_next(c->txn, after, c->now_ms, &room, &m, e);
		s = s == STATUS_NOT_FOUND ? STATUS_OK : s ? s : reply_mail(c, &m, e);
	}
	buf_free(&room);
	return s;
}

static enum status op_mail_done(struct call *c, struct error *e)
{
	uint64_t number = 0;
	enum status s = console_only(c, e);

	if (!s && !text_number(call_arg(c, "number"), &number))
		s = error_set(e, STATUS_USAGE, "number is not that of a mail");
	if (!s)
		s = mail_done(c->txn, number, call_arg(c, "error"), c->now_ms, e);
	return s;
}

const struct op mail_ops[] = {
	{ .name = "mail.take", .kind = OP_READ, .run = mail_take, .right = "system.console" },
	{ .name = "mail.done", .kind = OP_WRITE, .run = op_mail_done, .right = "system.console" },
	{ 0 },
};
