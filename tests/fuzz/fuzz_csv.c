/* Files from outside: the first byte chooses encoding and separator, the rest is the file. */
#include "common/csv.h"
#include "common/text.h"
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct csv_row *row, uint64_t line)
{
	char why[96];

	if (row->line < line || (row->bad && row->n))
		abort();
	if (!row->bad && row->n == 0)
		abort();
	/* What is given as good is text, wherever it came from. */
	for (size_t i = 0; i < row->n; i++) {
		struct bytes cell = row->cells[i];

		while (cell.len) {
			uint32_t c = text_next(&cell);

			if (c == 0 || c == UINT32_MAX)
				abort();
		}
	}
	if (row->bad && !text_valid(bytes_str(row->bad), TEXT_LINE, 160, why))
		abort();
}

static void read_all(struct csv_reader *reader, size_t size)
{
	struct csv_row row;
	uint64_t line = 1;

	while (csv_next(reader, &row)) {
		check_row(&row, line);
		line = row.line;
	}
	if (csv_bytes_read(reader) != size || csv_next(reader, &row))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_options o = { .max_cell = 1000 };
	struct csv_reader *reader;
	struct error e;
	int fd;

	if (size == 0)
		return 0;
	o.encoding = (enum encoding)(data[0] % ENCODING_COUNT);
	o.separator = data[0] & 0x80 ? ',' : '\0';
	fd = memfd_create("csv", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1 ||
		lseek(fd, 0, SEEK_SET) != 0)
		abort();
	error_init(&e);
	if (csv_open(fd, o, &reader, &e) == STATUS_OK) {
		read_all(reader, size - 1);
		csv_free(&reader);
	} else if (e.message[0] == '\0') {
		abort();
	}
	error_clear(&e);
	close(fd);
	return 0;
}
