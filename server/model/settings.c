#include "server/model/settings.h"
#include "common/date.h"
#include <glib.h>

/* clang-format off */
const struct setting_row setting_rows[] = {
	{ "birthday.days_before", "3,0", "生日提前几天提醒", "days ahead on which birthdays remind", "list" },
	{ "birthday.workday", "none", "生日提醒遇假日移到之前或之后的工作日", "workday to which reminders of birthdays on holidays move", "none|before|after" },
	{ "reminder.days_before", "0", "没有自己的提前天数的日期提前几天提醒", "days ahead on which dates without days of their own remind", "list" },
	{ "reminder.time", "09:00", "没有自己的时间时几点提醒", "local time of reminders without a time of their own", "time" },
	{ "reminder.workday", "none", "其他日期的提醒遇假日移到之前或之后的工作日", "workday to which reminders of other dates on holidays move", "none|before|after" },
	{ "birthday.leap_day", "02-28", "平年里2月29日的生日过哪天", "when 29 February is kept in other years", "02-28|03-01" },
	{ "lunar.leap_month", "plain", "闰月生日是否在平月也过", "leap-month birthdays also in the plain month", "plain|both" },
	{ "session.idle_minutes", "30", "空闲多少分钟后会话结束,0 为不限", "minutes without use that end a session, 0 never", "0-100000" },
	{ "session.max_hours", "12", "会话最长小时数,0 为不限", "hours after which a session ends, 0 never", "0-100000" },
	{ "login.tries", "5", "密码错误几次后锁定", "wrong passwords until the account is locked", "1-100" },
	{ "login.lock_minutes", "15", "锁定分钟数", "minutes that a lock lasts", "1-100000" },
	{ "password.min_length", "12", "密码最短长度", "shortest password in characters", "8-128" },
	{ "trash.days", "90", "回收站保留天数", "days that the trash keeps records", "1-36500" },
	{ "undo.days", "30", "可撤销天数", "days in which an operation can be undone", "0-36500" },
	{ "list.page_size", "20", "列表每页行数", "rows on a page of a list", "1-1000" },
	{ "required.customer.company", "name,phone|mobile|fax|email|qq|wechat|address", "企业客户必填字段(, 都要 | 任一)", "fields that a company needs (, all of them | one of them)", "fields" },
	{ "required.customer.person", "name,phone|mobile|fax|email|qq|wechat|address", "个人客户必填字段(, 都要 | 任一)", "fields that a person needs (, all of them | one of them)", "fields" },
	{ "reminder.escalate_days", "3", "提醒未确认几天后升级", "days until an unacknowledged reminder is escalated", "0-365" },
	{ "visit.record_days", "2", "拜访后几个工作日内须记录", "working days in which a visit is recorded", "0-365" },
	{ "lead.cadence", "month", "线索与机会的联系周期", "period in which every open lead is contacted", "week|month|quarter" },
	{ "lead.steps", "3,5,7", "新线索提醒、抄送、回收的天数", "days to remind, copy and take back a new lead", "list" },
	{ "survey.months", "6", "满意度调查间隔月数", "months between satisfaction surveys", "1-120" },
	{ "quality.stale_months", "12", "几个月无变化视为陈旧", "months without change or contact until data is stale", "1-120" },
	{ "contract.days_before", "30,7", "合同到期前几天提醒", "days ahead on which contract ends remind", "list" },
	{ "plan.remind_days", "3", "计划步骤到期前几天提醒", "days ahead on which steps of a sales plan remind", "list" },
	{ "document.max_mb", "64", "文档最大兆字节", "largest document in megabytes", "1-1024" },
	{ "case.call_back_days", "7", "结案几天后回访", "days from closing a case to calling back", "0-365" },
	{ "consent.text_version", "1", "告知文本的当前版本", "version of the privacy text in use", "text" },
	{ "consent.text", "", "告知文本", "the privacy text in use", "text" },
	{ "mail.server", "", "发邮件的服务器,空为不发", "mail server for digests, empty: no mail", "server" },
	{ "mail.from", "", "邮件的发件地址", "address that mails come from", "address" },
	{ "mail.tls", "required", "邮件传输是否加密", "whether mail must go over TLS", "required|try|none" },
	{ "mail.digest_at", "09:15", "每日提醒邮件的时间", "time of the day at which a user gets the mail of what waits", "time" },
	{ NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

const struct setting_row *setting_row(struct bytes name)
{
	for (const struct setting_row *row = setting_rows; row->name; row++)
		if (bytes_equal_str(name, row->name))
			return row;
	return NULL;
}

const char *setting_default(const char *name)
{
	const struct setting_row *row = setting_row(bytes_str(name));

	return row ? row->initial : "";
}

static bool only(struct bytes value, const char *set)
{
	for (size_t i = 0; i < value.len; i++)
		if (!value.data[i] || !strchr(set, value.data[i]))
			return false;
	return value.len > 0;
}

static bool in_range(const char *range, struct bytes value)
{
	char text[12] = "";
	char *end;
	long low = strtol(range, &end, 10), high = strtol(end + 1, NULL, 10), v;

	if (!only(value, "0123456789") || value.len >= sizeof(text))
		return false;
	memcpy(text, value.data, value.len);
	v = strtol(text, NULL, 10);
	return v >= low && v <= high;
}

static bool one_of(const char *words, struct bytes value)
{
	for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|')
		if (bytes_equal(value, bytes_of(p, strcspn(p, "|"))))
			return true;
	return false;
}

static bool is_time(struct bytes v)
{
	int hour, minute;

	if (v.len != 5 || v.data[2] != ':' || !g_ascii_isdigit(v.data[0]) ||
		!g_ascii_isdigit(v.data[1]) || !g_ascii_isdigit(v.data[3]) ||
		!g_ascii_isdigit(v.data[4]))
		return false;
	hour = (v.data[0] - '0') * 10 + v.data[1] - '0';
	minute = (v.data[3] - '0') * 10 + v.data[4] - '0';
	return hour < 24 && minute < 60;
}

/* smtp://mail.firm.cn:587 */
static bool is_server(struct bytes v)
{
	size_t skip = bytes_starts(v, bytes_str("smtp://"))    ? 7
		      : bytes_starts(v, bytes_str("smtps://")) ? 8
							       : 0;

	return skip && v.len > skip && v.len < 300 &&
	       only(bytes_of(v.data + skip, v.len - skip),
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]");
}

static bool is_address(struct bytes v)
{
	const uint8_t *at = memchr(v.data, '@', v.len);

	return at && at > v.data && at < v.data + v.len - 1 && v.len < 300 &&
	       only(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+@");
}

bool setting_allowed(const struct setting_row *row, struct bytes value, char why[96])
{
	const char *a = row->allowed;

	if (!strcmp(a, "text"))
		return true;
	if (!strcmp(a, "list")) {
		g_strlcpy(why, "is not a list of numbers such as 3,0", 96);
		return only(value, "0123456789, ");
	}
	if (!strcmp(a, "time")) {
		g_strlcpy(why, "is not a time such as 09:15", 96);
		return is_time(value);
	}
	if (!strcmp(a, "server")) {
		g_strlcpy(why, "is not of the form smtp://HOST:PORT or smtps://HOST:PORT", 96);
		return !value.len || is_server(value);
	}
	if (!strcmp(a, "address")) {
		g_strlcpy(why, "is not an e-mail address", 96);
		return !value.len || is_address(value);
	}
	if (!strcmp(a, "time")) {
		g_strlcpy(why, "is not a time such as 09:00", 96);
		return time_parse(value, &(int){ 0 });
	}
	if (!strcmp(a, "fields")) {
		g_strlcpy(why, "is not a list of fields such as name,phone|mobile", 96);
		return only(value, "abcdefghijklmnopqrstuvwxyz0123456789_,| ");
	}
	if (g_ascii_isdigit(*a) && !strchr(a, '|')) {
		g_snprintf(why, 96, "is not a number in %s", a);
		return in_range(a, value);
	}
	g_snprintf(why, 96, "is not one of %s", a);
	return one_of(a, value);
}
