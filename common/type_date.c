#include "common/text.h"
#include "common/type_row.h"

#define DAY_MS 86400000LL

/* A date as written, or one that a relative word names. */
static bool read_date(
	struct bytes text, const struct parse_context *ctx, civil_date *out, const char **why)
{
	struct buf folded = BUF_INIT;
	civil_date to = 0;
	bool found;

	text_fold(&folded, text);
	*why = "is not a date (write YYYY-MM-DD)";
	found = date_parse(buf_bytes(&folded), out);
	if (!found && ctx->today && date_relative(buf_bytes(&folded), ctx->today, out, &to)) {
		found = *out == to;
		*why = "is a period, not a day";
	}
	buf_free(&folded);
	return found;
}

static bool is_date(uint64_t v)
{
	return v <= 99999999 && date_valid((int)(v / 10000), (int)(v / 100 % 100), (int)(v % 100));
}

static enum status parse_date(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	civil_date d = 0;
	const char *why;

	if (!read_date(text, ctx, &d, &why))
		return error_field(e, f->name, "%s", why);
	record_add_number(out, f->tag, (uint64_t)d);
	return STATUS_OK;
}

static void format_date(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	if (is_date(w->number))
		date_format((civil_date)w->number, out);
}

static bool valid_date(const struct field *f, const struct wire_field *w)
{
	return is_date(w->number);
}

static bool in_range(int64_t ms)
{
	return ms >= date_to_days(19000101) * DAY_MS - DAY_MS &&
	       ms < date_to_days(21991231) * DAY_MS + 2 * DAY_MS;
}

/* A day without a time is its start in the zone. */
static enum status parse_datetime(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	civil_date d;
	int64_t ms;
	const char *why;

	if (!instant_parse(text, ctx->zone, &ms)) {
		if (!ctx->zone || !read_date(text, ctx, &d, &why))
			return error_field(e, f->name,
				"is not a point in time (write 2026-11-21T17:00:00+08:00)");
		ms = zone_instant(ctx->zone, d, 0);
	}
	if (!in_range(ms))
		return error_field(e, f->name, "is out of range (1900 to 2199)");
	record_add_signed(out, f->tag, ms);
	return STATUS_OK;
}

static void format_datetime(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	int64_t ms = unzigzag(w->number);

	if (!in_range(ms))
		return;
	if (form == FORM_DISPLAY && ctx->zone)
		zone_format(ctx->zone, ms, out);
	else
		instant_format(ms, out);
}

static bool valid_datetime(const struct field *f, const struct wire_field *w)
{
	return in_range(unzigzag(w->number));
}

static enum status parse_time(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct buf folded = BUF_INIT;
	int minute;
	bool good;

	text_fold(&folded, text);
	good = time_parse(buf_bytes(&folded), &minute);
	buf_free(&folded);
	if (!good)
		return error_field(e, f->name, "is not a time of day (write HH:MM)");
	record_add_number(out, f->tag, (uint64_t)minute);
	return STATUS_OK;
}

static void format_time(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	if (w->number < 24 * 60)
		time_format((int)w->number, out);
}

static bool valid_time(const struct field *f, const struct wire_field *w)
{
	return w->number < 24 * 60;
}

const struct type_row type_date = {
	.name = "date",
	.wire = WIRE_VARINT,
	.parse = parse_date,
	.format = format_date,
	.valid = valid_date,
};
const struct type_row type_datetime = {
	.name = "datetime",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.parse = parse_datetime,
	.format = format_datetime,
	.valid = valid_datetime,
};
const struct type_row type_time = {
	.name = "time",
	.wire = WIRE_VARINT,
	.parse = parse_time,
	.format = format_time,
	.valid = valid_time,
};
