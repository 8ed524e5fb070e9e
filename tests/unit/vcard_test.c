/* vCards by the byte: folding, escapes, parameters, character sets; sheets that go on when they are full. */
#include "client/vcard_map.h"
#include "client/xlsx.h"
#include "common/vcard.h"
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static struct vcard card_of(const char *lines)
{
	struct buf text = BUF_INIT;
	struct vcard card;
	struct error e;

	error_init(&e);
	buf_printf(&text, "BEGIN:VCARD\n%sEND:VCARD\n", lines);
	if (vcard_parse(buf_bytes(&text), &card, &e))
		fail_msg("%s: %s", lines, e.message);
	buf_free(&text);
	return card;
}

static void value_is(const char *lines, size_t nth, const char *wanted)
{
	struct vcard card = card_of(lines);
	struct buf text = BUF_INIT;

	assert_true(nth < card.n);
	vcard_text(&card.properties[nth], &text);
	assert_string_equal(buf_str(&text), wanted);
	buf_free(&text);
	vcard_free(&card);
}

static void test_folding(void **state)
{
	value_is("VERSION:3.0\nNOTE:one\n two\n", 1, "onetwo");
	value_is("VERSION:4.0\nNOTE:one\n  two\n", 1, "one two");
	value_is("VERSION:2.1\nNOTE:one\n two\n", 1, "one two");
	value_is("NOTE;QUOTED-PRINTABLE:=E6=9D=\n=AD\nVERSION:2.1\n", 0, "杭");
	value_is("VERSION:2.1\nNOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab=3Dc\n", 1, "a\nb=c");
}

static void test_escapes(void **state)
{
	value_is("VERSION:3.0\nNOTE:a\\,b\\;c\\\\d\\ne\\N\\q\n", 1, "a,b;c\\d\ne\n\\q");
}

static void test_character_sets(void **state)
{
	struct vcard card;
	struct error e;

	error_init(&e);
	value_is("FN;CHARSET=GB2312;ENCODING=QUOTED-PRINTABLE:=BA=BC\n", 0, "杭");
	value_is("FN;ENCODING=QUOTED-PRINTABLE:=BA=BC\n", 0, "杭");
	assert_int_equal(vcard_parse(bytes_str("BEGIN:VCARD\nFN;CHARSET=UTF-8;ENCODING=QUOTED-"
					       "PRINTABLE:=BA=BC\nEND:VCARD\n"),
				 &card, &e),
		STATUS_INVALID);
	assert_string_equal(e.message, "FN: not in the character set that it names");
	vcard_free(&card);
	error_clear(&e);
}

static void test_parameters(void **state)
{
	struct vcard card =
		card_of("item1.TEL;type=\"work,fax\";TYPE=pref;X-A=1:5\nTEL;CELL;VOICE:6\n");

	assert_int_equal(card.n, 2);
	assert_string_equal(card.properties[0].name, "TEL");
	assert_true(vcard_has_type(&card.properties[0], "WORK"));
	assert_true(vcard_has_type(&card.properties[0], "FAX"));
	assert_true(vcard_has_type(&card.properties[0], "PREF"));
	assert_false(vcard_has_type(&card.properties[0], "CELL"));
	assert_true(vcard_has_type(&card.properties[1], "CELL"));
	assert_true(bytes_equal_str(vcard_parameter(&card.properties[0], "X-A"), "1"));
	vcard_free(&card);
}

static void test_components(void **state)
{
	struct vcard card = card_of("VERSION:3.0\nN:a\\;b;c,d;;e\n");
	struct buf text = BUF_INIT;

	assert_true(vcard_component(&card.properties[1], 0, &text));
	assert_true(vcard_component(&card.properties[1], 3, &text));
	assert_false(vcard_component(&card.properties[1], 4, &text));
	assert_string_equal(buf_str(&text), "a;be");
	buf_free(&text);
	vcard_free(&card);
}

static void birthday_is(const char *line, const char *wanted)
{
	struct vcard card = card_of(line);
	struct buf text = BUF_INIT;

	assert_int_equal(vcard_birthday(&card.properties[0], &text), wanted != NULL);
	assert_string_equal(buf_str(&text), wanted ? wanted : "");
	buf_free(&text);
	vcard_free(&card);
}

static void test_birthdays(void **state)
{
	birthday_is("BDAY:1987-07-26\n", "1987-07-26");
	birthday_is("BDAY:19870726\n", "1987-07-26");
	birthday_is("BDAY:1987-07-26T00:00:00Z\n", "1987-07-26");
	birthday_is("BDAY:--0229\n", "02-29");
	birthday_is("BDAY:--02-29\n", "02-29");
	birthday_is("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\n", "02-29");
	birthday_is("BDAY;X-APPLE-OMIT-YEAR=1604:1987-02-28\n", "1987-02-28");
	birthday_is("BDAY:1987-07\n", NULL);
	birthday_is("BDAY:---26\n", NULL);
	birthday_is("BDAY;VALUE=text:circa 1800\n", NULL);
}

static void test_written_lines(void **state)
{
	struct buf out = BUF_INIT, line = BUF_INIT;

	buf_add_str(&line, "NOTE:");
	for (size_t i = 0; i < 50; i++)
		buf_add_str(&line, "杭");
	vcard_add_line(&out, buf_bytes(&line));
	/* 5 bytes and 23 characters of 3, then a blank and 24 of them. */
	assert_memory_equal(out.data + 74, "\r\n \xe6", 4);
	assert_memory_equal(out.data + 74 + 3 + 72, "\r\n \xe6", 4);
	buf_free(&out);
	buf_free(&line);
}

static void test_full_sheet_goes_on(void **state)
{
	char path[] = "/tmp/guanxi-sheet.XXXXXX", longest[32769];
	struct bytes labels[] = { bytes_str("a") };
	struct xlsx *x;
	struct error e;
	struct stat about;
	int fd = mkstemp(path);

	error_init(&e);
	assert_true(fd >= 0);
	assert_int_equal(xlsx_open(path, bytes_str("表[1]: 名字"), 3, &x, &e), STATUS_OK);
	assert_int_equal(xlsx_header(x, labels, 1, &e), STATUS_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(xlsx_row(x, &e), STATUS_OK);
		assert_int_equal(xlsx_text(x, bytes_str("x"), &e), STATUS_OK);
	}
	memset(longest, 'x', sizeof longest);
	assert_int_equal(xlsx_row(x, &e), STATUS_OK);
	assert_int_equal(xlsx_text(x, bytes_of(longest, 32768), &e), STATUS_INVALID);
	assert_int_equal(xlsx_text(x, bytes_of(longest, 32767), &e), STATUS_OK);
	assert_int_equal(xlsx_sheets(x), 3);
	assert_int_equal(xlsx_close(&x, &e), STATUS_OK);
	assert_null(x);
	assert_int_equal(stat(path, &about), 0);
	assert_true(about.st_size > 1000);
	close(fd);
	unlink(path);
	error_clear(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_character_sets),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_birthdays),
		cmocka_unit_test(test_written_lines),
		cmocka_unit_test(test_full_sheet_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
