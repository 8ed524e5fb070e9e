/* Mails: ASCII whatever the language, whole characters in each encoded word, no header that a value could add. */
#include "server/notify/letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static struct letter letter(const char *subject, const char *body)
{
	return (struct letter){ .number = "7",
		.created_ms = 1795481940000,
		.from = "guanxi@firm.example",
		.recipient = "li@firm.example",
		.subject = bytes_str(subject),
		.body = bytes_str(body) };
}

static void test_plain(void **state)
{
	struct letter l = letter("3 reminders wait", "a\nb\n");
	struct buf out = BUF_INIT;

	assert_true(letter_write(&l, &out));
	assert_string_equal(buf_str(&out),
		"Date: Tue, 24 Nov 2026 00:59:00 +0000\r\nFrom: <guanxi@firm.example>\r\n"
		"To: <li@firm.example>\r\nSubject: 3 reminders wait\r\n"
		"Message-ID: <guanxi.7.1795481940000@firm.example>\r\n"
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nYQ0KYg0K\r\n");
	buf_free(&out);
}

static void test_chinese(void **state)
{
	struct letter l = letter("关系客户系统:二百零一条提醒待处理", "");
	struct buf out = BUF_INIT;

	assert_true(letter_write(&l, &out));
	assert_non_null(strstr(buf_str(&out),
		"Subject: =?UTF-8?B?5YWz57O75a6i5oi357O757ufOuS6jOeZvumbtuS4gOadoeaPkA==?=\r\n"
		" =?UTF-8?B?6YaS5b6F5aSE55CG?=\r\n"));
	buf_free(&out);
}

static void test_hostile(void **state)
{
	static const char *const addresses[] = { "li@firm.example\r\nBcc: x@y", "li", "@firm",
		"li@", "l i@firm", "<li@firm>", "李@firm.example", "" };
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct letter l = letter("x", "y");
		l.recipient = addresses[i];
		assert_false(letter_write(&l, &out));
	}
	struct letter l = letter("x\r\nBcc: y@z", ".\r\n.\r\n");
	assert_true(letter_write(&l, &out));
	assert_null(strstr(buf_str(&out), "Bcc"));
	assert_null(strstr(buf_str(&out), "\r\n.\r\n"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain),
		cmocka_unit_test(test_chinese), cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
