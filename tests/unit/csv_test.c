#include "common/csv.h"
#include "common/text.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

struct reading {
	int fd;
	struct csv_reader *reader;
	struct csv_row row;
};

static int file_of(struct bytes content)
{
	int fd = memfd_create("csv", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.data, content.len), content.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct reading start(struct bytes content, struct csv_options o)
{
	struct reading r = { .fd = file_of(content) };
	struct error e;

	error_init(&e);
	if (csv_open(r.fd, o, &r.reader, &e))
		fail_msg("%s", e.message);
	return r;
}

static struct reading start_text(const char *text)
{
	return start(bytes_str(text), (struct csv_options){ 0 });
}

static void finish(struct reading *r)
{
	assert_false(csv_next(r->reader, &r->row));
	csv_free(&r->reader);
	csv_free(&r->reader);
	close(r->fd);
}

/* The next row is good, starts at line and has these cells, separated by '/'. */
static void good_row(struct reading *r, uint64_t line, const char *cells)
{
	struct buf joined = BUF_INIT;

	assert_true(csv_next(r->reader, &r->row));
	if (r->row.bad)
		fail_msg("row is bad: %s", r->row.bad);
	for (size_t i = 0; i < r->row.n; i++) {
		if (i)
			buf_add_u8(&joined, '/');
		buf_add_bytes(&joined, r->row.cells[i]);
	}
	assert_string_equal(buf_str(&joined), cells);
	assert_int_equal(r->row.line, line);
	buf_free(&joined);
}

static void bad_row(struct reading *r, uint64_t line, const char *why)
{
	assert_true(csv_next(r->reader, &r->row));
	assert_non_null(r->row.bad);
	assert_string_equal(r->row.bad, why);
	assert_int_equal(r->row.line, line);
	assert_int_equal(r->row.n, 0);
}

static void raw_is(struct reading *r, const char *raw)
{
	assert_int_equal(r->row.raw.len, strlen(raw));
	assert_memory_equal(r->row.raw.data, raw, strlen(raw));
}

static void test_plain(void **state)
{
	struct reading r = start_text("name,city\r\n杭州钢铁,杭州\n\n\r\nx,\n,\na");

	good_row(&r, 1, "name/city");
	good_row(&r, 2, "杭州钢铁/杭州");
	raw_is(&r, "杭州钢铁,杭州");
	good_row(&r, 5, "x/");
	good_row(&r, 6, "/");
	good_row(&r, 7, "a");
	assert_int_equal(csv_dialect(r.reader).separator, ',');
	assert_int_equal(csv_encoding(r.reader), ENCODING_UTF8);
	finish(&r);
}

static void test_quoted(void **state)
{
	struct reading r = start_text("\"a,b\",\"say \"\"hi\"\"\",\"\"\"\"\r\n"
				      "\"two\r\nlines\",\"\"\n\"x\"");

	good_row(&r, 1, "a,b/say \"hi\"/\"");
	good_row(&r, 2, "two\r\nlines/");
	raw_is(&r, "\"two\r\nlines\",\"\"");
	good_row(&r, 4, "x");
	finish(&r);
}

static void test_line_ends_of_all_kinds(void **state)
{
	struct reading r = start_text("a\rb\nc\r\nd\r\re");

	good_row(&r, 1, "a");
	good_row(&r, 2, "b");
	good_row(&r, 3, "c");
	good_row(&r, 4, "d");
	good_row(&r, 6, "e");
	finish(&r);
}

static void test_separators(void **state)
{
	static const char *const texts[] = { "a;b,c;d\n1;2;3", "a\tb\n1\t2", "a|b\n1|2",
		"a,b\n1,2" };
	static const char separators[] = ";\t|,";

	for (int i = 0; i < 4; i++) {
		struct reading r = start_text(texts[i]);

		assert_true(csv_next(r.reader, &r.row));
		assert_int_equal(csv_dialect(r.reader).separator, separators[i]);
		csv_free(&r.reader);
		close(r.fd);
	}
}

static void test_bad_rows_do_not_end_the_file(void **state)
{
	struct reading r = start_text("h,i\n中\"b,c\n\"d\"e,f\ng,h\n");

	good_row(&r, 1, "h/i");
	bad_row(&r, 2, "quote inside an unquoted cell at column 2");
	raw_is(&r, "中\"b,c");
	bad_row(&r, 3, "text after a closing quote at column 4");
	good_row(&r, 4, "g/h");
	finish(&r);
}

static void test_unclosed_quote(void **state)
{
	struct reading r = start_text("h,i\na,\"b\nc,d\ne,f");

	good_row(&r, 1, "h/i");
	bad_row(&r, 2, "quote that is not closed at column 3");
	raw_is(&r, "a,\"b");
	good_row(&r, 3, "c/d");
	good_row(&r, 4, "e/f");
	finish(&r);
}

static void test_fault_on_a_later_line(void **state)
{
	struct reading r = start_text("\"a\nb\"x\nc");

	bad_row(&r, 1, "text after a closing quote at line 2, column 3");
	good_row(&r, 3, "c");
	finish(&r);
}

static void test_nul_and_large_cell(void **state)
{
	struct reading r = start(
		bytes_of("a,b\nc\0,d\neeeee,f\ng\n", 19), (struct csv_options){ .max_cell = 4 });

	good_row(&r, 1, "a/b");
	bad_row(&r, 2, "NUL (a UTF-16 file needs its encoding named) at column 2");
	bad_row(&r, 3, "cell of more than 4 bytes at column 1");
	good_row(&r, 4, "g");
	finish(&r);
}

static void test_undecodable_utf8(void **state)
{
	struct reading r = start(bytes_str("a,b\n杭\xff州,x\nc,d\n杭\xe6"),
		(struct csv_options){ .encoding = ENCODING_UTF8 });

	good_row(&r, 1, "a/b");
	bad_row(&r, 2, "undecodable byte 0xff at column 2");
	raw_is(&r, "杭\xff\xff州,x");
	good_row(&r, 3, "c/d");
	bad_row(&r, 4, "undecodable byte 0xe6 at column 2");
	finish(&r);
}

/* 東 is 96 7C and the second byte of 乗 is 5C: separators and escapes inside characters. */
static void test_gb18030(void **state)
{
	struct reading r = start_text("\xb9\xab\xcb\xbe|\xb3\xc7\xca\xd0\n\x96\x7c\x81\x5c|\xba\xbc"
				      "\xd6\xdd\n\x95\x34\xb2\x35\xd2\xb0|\xe9\x46\n");

	good_row(&r, 1, "公司/城市");
	good_row(&r, 2, "東乗/杭州");
	good_row(&r, 3, "𠮷野/镕");
	assert_int_equal(csv_encoding(r.reader), ENCODING_GB18030);
	finish(&r);
}

static void test_euro_of_code_page_936(void **state)
{
	static const char text[] = "\xb9\xab\xcb\xbe,b\n\xb9\xab\x80,c\nd,e\n";
	struct reading r =
		start(bytes_str(text), (struct csv_options){ .encoding = ENCODING_GB18030 });
	struct csv_reader *reader = NULL;
	struct error e;
	int fd = file_of(bytes_str(text));

	good_row(&r, 1, "公司/b");
	bad_row(&r, 2, "undecodable byte 0x80 (the euro sign of code page 936) at column 2");
	good_row(&r, 3, "d/e");
	finish(&r);
	error_init(&e);
	assert_int_equal(csv_open(fd, (struct csv_options){ 0 }, &reader, &e), STATUS_INVALID);
	assert_string_equal(e.message,
		"neither UTF-8 nor GB18030: undecodable byte 0x80 (the euro sign of code page 936) "
		"at line 2, column 2; name the encoding of the file with --encoding");
	assert_null(reader);
	close(fd);
}

static void test_marks(void **state)
{
	struct reading r = start_text("\xef\xbb\xbf\"名\",b\n");

	good_row(&r, 1, "名/b");
	finish(&r);
	r = start(bytes_of("\xff\xfe\x6d\x67,\0b\0\n\0\x00\xd8,\0\n\0", 16),
		(struct csv_options){ 0 });
	good_row(&r, 1, "杭/b");
	bad_row(&r, 2, "undecodable byte 0xd8 at column 1");
	finish(&r);
	r = start(bytes_of("\xfe\xff\x67\x6d\0,\0b", 8), (struct csv_options){ 0 });
	good_row(&r, 1, "杭/b");
	assert_int_equal(csv_encoding(r.reader), ENCODING_UTF16_BE);
	finish(&r);
}

static void test_empty_files(void **state)
{
	struct reading r = start_text("");

	finish(&r);
	r = start_text("\n\r\n\n");
	finish(&r);
	r = start_text("\xef\xbb\xbf");
	finish(&r);
}

/* Rows that lie across the borders of the pieces in which a file is read, at every shift. */
static void test_pieces(void **state)
{
	for (size_t shift = 0; shift < 40; shift++) {
		struct buf text = BUF_INIT;
		struct reading r;
		size_t rows = 0;

		for (size_t i = 0; i < 65536 * 2 - 20 - shift; i++)
			buf_add_u8(&text, i % 1000 == 999 ? '\n' : 'x');
		buf_add_str(&text, "\n\"杭\"\"州\",\"é\r\n\"\r\n𠮷,z\r\n");
		r = start(buf_bytes(&text), (struct csv_options){ .separator = ',' });
		while (csv_next(r.reader, &r.row) && r.row.n == 1)
			rows++;
		assert_in_range(rows, 131, 132);
		assert_null(r.row.bad);
		assert_int_equal(r.row.n, 2);
		assert_true(bytes_equal_str(r.row.cells[0], "杭\"州"));
		assert_true(bytes_equal_str(r.row.cells[1], "é\r\n"));
		good_row(&r, r.row.line + 2, "𠮷/z");
		assert_int_equal(csv_bytes_read(r.reader), text.len);
		finish(&r);
		buf_free(&text);
	}
}

static void test_overlong_row(void **state)
{
	struct buf text = BUF_INIT;
	struct reading r;

	buf_add_str(&text, "a,b\n");
	for (size_t i = 0; i < 3u << 20; i++)
		buf_add_u8(&text, 'x');
	buf_add_str(&text, "\nc,d\n\"");
	for (size_t i = 0; i < 3u << 20; i++)
		buf_add_u8(&text, i % 100 ? 'x' : '\n');
	r = start(buf_bytes(&text), (struct csv_options){ 0 });
	good_row(&r, 1, "a/b");
	bad_row(&r, 2, "row of more than 1 MiB at column 1");
	good_row(&r, 3, "c/d");
	bad_row(&r, 4, "quote that is not closed at column 1");
	assert_true(csv_next(r.reader, &r.row));
	assert_int_equal(r.row.line, 5);
	assert_int_equal(r.row.cells[0].len, 99);
	while (csv_next(r.reader, &r.row))
		assert_null(r.row.bad);
	csv_free(&r.reader);
	close(r.fd);
	buf_free(&text);
}

static void add(struct buf *out, const char *cell, bool first)
{
	csv_add_cell(out, bytes_str(cell), first, true);
}

static void test_plain_cell(void **state)
{
	const char *const kept[] = { "", "'", "'x", "'s-Hertogenbosch", "'-12.5", "'+86571", "=1" };

	assert_true(bytes_equal_str(csv_plain_cell(bytes_str("'=1+1")), "=1+1"));
	assert_true(bytes_equal_str(csv_plain_cell(bytes_str("'@x")), "@x"));
	for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
		assert_true(bytes_equal_str(csv_plain_cell(bytes_str(kept[k])), kept[k]));
}

static void test_writing(void **state)
{
	struct buf out = BUF_INIT;
	struct reading r;

	add(&out, "a", true);
	add(&out, "b,\"c\"\n", false);
	add(&out, "=1+1", false);
	add(&out, "-12.50", false);
	add(&out, "-1+cmd|x", false);
	add(&out, "", false);
	assert_string_equal(buf_str(&out), "a,\"b,\"\"c\"\"\n\",'=1+1,-12.50,'-1+cmd|x,");
	r = start(buf_bytes(&out), (struct csv_options){ .separator = ',' });
	good_row(&r, 1, "a/b,\"c\"\n/'=1+1/-12.50/'-1+cmd|x/");
	finish(&r);
	buf_clear(&out);
	csv_add_cell(&out, bytes_str("=1+1"), true, false);
	assert_string_equal(buf_str(&out), "=1+1");
	buf_free(&out);
}

static size_t written(enum encoding encoding, const char *text, char *out, size_t max)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	bool started = false;
	ssize_t n;

	assert_int_equal(encode_write(fd, encoding, bytes_str(text), &started, NULL), STATUS_OK);
	assert_int_equal(encode_write(fd, encoding, bytes_str("!"), &started, NULL), STATUS_OK);
	n = pread(fd, out, max, 0);
	close(fd);
	return (size_t)n;
}

static void test_encodings_out(void **state)
{
	char out[64];

	assert_int_equal(written(ENCODING_UTF8, "杭", out, 64), 4);
	assert_memory_equal(out, "杭!", 4);
	assert_int_equal(written(ENCODING_UTF8_BOM, "杭", out, 64), 7);
	assert_memory_equal(out, "\xef\xbb\xbf杭!", 7);
	assert_int_equal(written(ENCODING_UTF16, "杭", out, 64), 6);
	assert_memory_equal(out, "\xff\xfe\x6d\x67!\0", 6);
	assert_int_equal(written(ENCODING_GB18030, "㐂𠮷镕", out, 64), 11);
	assert_memory_equal(out, "\x81\x39\xef\x31\x95\x34\xb2\x35\xe9\x46!", 11);
}

/* Two dozen private-use characters of old fonts, which got code points of their own since: the C library refuses them. */
static bool has_no_code(uint32_t c)
{
	static const uint16_t few[] = { 0xe816, 0xe817, 0xe818, 0xe81e, 0xe826, 0xe82b, 0xe82c,
		0xe831, 0xe832, 0xe83b, 0xe843, 0xe854, 0xe855, 0xe864 };
	bool found = c >= 0xe78d && c <= 0xe796;

	for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
		found = found || few[i] == c;
	return found;
}

static void test_character_without_code_stops(void **state)
{
	struct error e;
	bool started = false;

	error_init(&e);
	assert_int_equal(encode_write(-1, ENCODING_GB18030, bytes_str("ab\ue78d"), &started, &e),
		STATUS_INVALID);
	assert_string_equal(e.message, "character U+E78D has no place in \"gb18030\"");
	assert_false(started);
}

/* Every other character that a text may hold goes out as GB18030 and comes back. */
static void test_gb18030_holds_everything(void **state)
{
	struct buf all = BUF_INIT;
	struct error e;
	bool started = false;
	int fd = memfd_create("all", MFD_CLOEXEC);
	struct reading r = { .fd = fd };
	size_t at = 0;

	error_init(&e);
	for (uint32_t c = 0x21; c < 0x110000; c++) {
		struct buf one = BUF_INIT;
		char why[96];

		if (c >= 0xd800 && c < 0xe000)
			c = 0xe000;
		text_add(&one, c);
		if (c != '"' && c != ',' && !has_no_code(c) &&
			text_valid(buf_bytes(&one), TEXT_LINE, 1, why)) {
			buf_add_bytes(&all, buf_bytes(&one));
			if (c % 97 == 0)
				buf_add_u8(&all, '\n');
		}
		buf_free(&one);
	}
	if (encode_write(fd, ENCODING_GB18030, buf_bytes(&all), &started, &e))
		fail_msg("%s", e.message);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(
		csv_open(fd, (struct csv_options){ .encoding = ENCODING_GB18030, .separator = ',' },
			&r.reader, &e),
		STATUS_OK);
	while (csv_next(r.reader, &r.row)) {
		assert_null(r.row.bad);
		assert_memory_equal(r.row.raw.data, all.data + at, r.row.raw.len);
		at += r.row.raw.len + 1;
	}
	assert_in_range(at, all.len, all.len + 1);
	csv_free(&r.reader);
	close(fd);
	buf_free(&all);
}

static void test_names(void **state)
{
	enum encoding e;

	assert_true(encoding_from_name("GBK", &e) && e == ENCODING_GB18030);
	assert_true(encoding_from_name("utf8", &e) && e == ENCODING_UTF8);
	assert_true(encoding_from_name("auto", &e) && e == ENCODING_AUTO);
	assert_false(encoding_from_name("latin1", &e));
	assert_string_equal(encoding_name(ENCODING_UTF8_BOM), "utf-8-bom");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_cell),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_line_ends_of_all_kinds),
		cmocka_unit_test(test_separators),
		cmocka_unit_test(test_bad_rows_do_not_end_the_file),
		cmocka_unit_test(test_unclosed_quote),
		cmocka_unit_test(test_fault_on_a_later_line),
		cmocka_unit_test(test_nul_and_large_cell),
		cmocka_unit_test(test_undecodable_utf8),
		cmocka_unit_test(test_gb18030),
		cmocka_unit_test(test_euro_of_code_page_936),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_empty_files),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_overlong_row),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_encodings_out),
		cmocka_unit_test(test_character_without_code_stops),
		cmocka_unit_test(test_gb18030_holds_everything),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
