/* vCards from outside: the first byte chooses the encoding, the rest is the file. What is read well is written and read again. */
#include "common/text.h"
#include "common/vcard.h"
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct bytes text)
{
	while (text.len)
		if (text_next(&text) == UINT32_MAX)
			abort();
}

/* Any text is the same after it was written as a value and read. */
static void write_and_read(struct bytes value)
{
	struct buf line = BUF_INIT, card = BUF_INIT, again = BUF_INIT;
	struct vcard parsed;

	if (value.len && (memchr(value.data, '\r', value.len) || !text_trim(value).len))
		return;
	buf_add_str(&line, "NOTE:");
	vcard_add_escaped(&line, value);
	buf_add_str(&card, "BEGIN:VCARD\r\nVERSION:4.0\r\n");
	vcard_add_line(&card, buf_bytes(&line));
	buf_add_str(&card, "END:VCARD\r\n");
	if (vcard_parse(buf_bytes(&card), &parsed, NULL) || parsed.n != 2)
		abort();
	vcard_text(&parsed.properties[1], &again);
	if (!bytes_equal(buf_bytes(&again), value))
		abort();
	vcard_free(&parsed);
	buf_free(&line);
	buf_free(&card);
	buf_free(&again);
}

static void check_card(const struct vcard_row *row)
{
	struct vcard card;
	struct error e;

	error_init(&e);
	if (vcard_parse(row->text, &card, &e)) {
		if (!e.message[0])
			abort();
	}
	for (size_t i = 0; i < card.n; i++) {
		struct buf text = BUF_INIT;

		vcard_text(&card.properties[i], &text);
		check_text(buf_bytes(&text));
		write_and_read(buf_bytes(&text));
		buf_clear(&text);
		for (size_t k = 0; k < 8; k++)
			vcard_component(&card.properties[i], k, &text);
		vcard_has_type(&card.properties[i], "HOME");
		vcard_parameter(&card.properties[i], "CHARSET");
		buf_free(&text);
	}
	vcard_free(&card);
	error_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vcard_reader reader;
	struct vcard_row row;
	struct error e;
	int fd;

	if (size == 0)
		return 0;
	fd = memfd_create("vcf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1 ||
		lseek(fd, 0, SEEK_SET) != 0)
		abort();
	error_init(&e);
	if (!vcard_reader_open(&reader, fd, (enum encoding)(data[0] % ENCODING_COUNT), &e)) {
		while (vcard_reader_next(&reader, &row))
			if (!row.bad)
				check_card(&row);
		vcard_reader_release(&reader);
	}
	error_clear(&e);
	close(fd);
	return 0;
}
