#include "client/rejects.h"
#include "client/json.h"
#include "common/text.h"
#include "common/vcard.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct rejects {
	int fd;
	struct reject_form form;
	bool started;
};

static void add_csv(const struct csv_dialect *d, struct bytes row, const char *why, struct buf *out)
{
	struct buf said = BUF_INIT;

	buf_add_bytes(out, row);
	/* Where nothing quotes, the reason must not hold what separates. */
	for (const char *p = why; *p; p++)
		buf_add_u8(
			&said, d->quote == CSV_NO_QUOTE && *p == d->separator ? ' ' : (uint8_t)*p);
	csv_add_cell_as(out, buf_bytes(&said), row.len == 0, d);
	buf_add_str(out, d->line_end);
	buf_free(&said);
}

/* The reason becomes the object's last member; a line that is no object stays as it is. */
static void add_json(struct bytes line, const char *why, struct buf *out)
{
	struct bytes text = text_trim(line), before;

	if (text.len < 2 || text.data[0] != '{' || text.data[text.len - 1] != '}') {
		buf_add_bytes(out, line);
	} else {
		before = text_trim(bytes_of(text.data, text.len - 1));
		buf_add_bytes(out, before);
		buf_add_str(
			out, before.len > 1 ? ",\"" REASON_COLUMN "\":" : "\"" REASON_COLUMN "\":");
		json_add_str(out, why);
		buf_add_u8(out, '}');
	}
	buf_add_str(out, "\n");
}

/* The reason stands before the card's last line; one of an earlier import goes. */
static void add_vcard(struct bytes card, const char *why, struct buf *out)
{
	struct buf line = BUF_INIT;
	static const char end[] = "END:VCARD";

	while (card.len) {
		const uint8_t *stop = memchr(card.data, '\n', card.len);
		size_t len = stop ? (size_t)(stop - card.data) : card.len;
		struct bytes one = bytes_of(card.data, len);

		card = bytes_of(card.data + len, card.len - len);
		if (stop)
			card = bytes_of(card.data + 1, card.len - 1);
		if (bytes_starts(one, bytes_str(REASON_PROPERTY)))
			continue;
		if (!text_trim(card).len && text_trim(one).len == sizeof end - 1) {
			buf_add_str(&line, REASON_PROPERTY ":");
			vcard_add_escaped(&line, bytes_str(why));
			buf_add_bytes(out, buf_bytes(&line));
			buf_add_str(out, "\r\n");
		}
		buf_add_bytes(out, one);
		buf_add_str(out, "\r\n");
	}
	buf_free(&line);
}

enum status rejects_add(struct rejects *r, struct bytes original, const char *why, struct error *e)
{
	struct buf text = BUF_INIT;

	if (r->form.kind == REJECT_CSV)
		add_csv(&r->form.dialect, original, why, &text);
	else if (r->form.kind == REJECT_JSON)
		add_json(original, why, &text);
	else
		add_vcard(original, why, &text);
	enum status st = encode_write(r->fd, r->form.encoding, buf_bytes(&text), &r->started, e);
	buf_free(&text);
	return st;
}

enum status rejects_open(
	const char *path, const struct reject_form *form, struct rejects **out, struct error *e)
{
	struct rejects *r = items_new(1, sizeof *r);

	*out = r;
	r->form = *form;
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (r->fd < 0)
		return error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	return form->kind == REJECT_CSV ? rejects_add(r, form->header, REASON_COLUMN, e)
					: STATUS_OK;
}

void rejects_free(struct rejects **pr)
{
	struct rejects *r = *pr;

	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r);
	*pr = NULL;
}
