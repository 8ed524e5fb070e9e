#include "client/message.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 4
#define DEPTH_MAX 3

/* * stands for any text; the Chinese names them in any order. The first that fits is taken. */
static const struct {
	const char *en, *zh;
} patterns[] = {
	{ "* (column * of the filter)*", "$1(筛选条件第 $2 列)$3" },
	{ "there is no user \"*\": --role says what a new one may do",
		"没有用户“$1”:新用户的权限由 --role 指定" },
	{ "there is no operation \"*\"", "没有操作 $1" },
	{ "there is no * \"*\"", "没有编号为“$2”的 $1" },
	{ "the record changed since version *", "该记录在版本 $1 之后已被更改" },
	{ "* \"*\" changed since, by operation *", "$1 $2 之后已被操作 $3 更改" },
	{ "* \"*\" is being changed by operation *: try again later",
		"$1 $2 正被操作 $3 更改:请稍后再试" },
	{ "operation * is not finished yet: try again later", "操作 $1 尚未结束:请稍后再试" },
	{ "there was no * \"*\" then", "当时还没有$1 $2" },
	{ "at is no date and no instant", "--at 不是日期或时间" },
	{ "* \"*\" is not in the trash", "$1 $2 不在回收站" },
	{ "* \"*\" has left the trash for good", "$1 $2 已从回收站彻底清除" },
	{ "* \"*\" is already in the trash", "$1 $2 已在回收站" },
	{ "not allowed: right \"*\" is missing", "没有权限“$1”" },
	{ "a * is changed by administrators", "$1 只能由管理员更改" },
	{ "a * is changed by the server only", "$1 只能由服务器更改" },
	{ "a * is never deleted", "$1 不能删除" },
	{ "a * cannot be deleted", "$1 不能删除" },
	{ "a * cannot be merged", "$1 不能合并" },
	{ "a * cannot be merged with itself", "$1 不能与自己合并" },
	{ "the * was merged into \"*\": take that operation back",
		"该$1已合并到“$2”:请撤销那次操作" },
	{ "operation is not yours", "该操作不是您的" },
	{ "import is finished", "该导入已经结束" },
	{ "operation is older than * days", "该操作已超过 $1 天" },
	{ "operation cannot be taken back", "该操作不能撤销" },
	{ "operation is not a number", "操作号不是数字" },
	{ "unknown operation: \"*\"", "未知操作“$1”" },
	{ "unknown entity: \"*\", did you mean \"*\"?", "未知类别“$1”,是否指“$2”?" },
	{ "unknown field \"*\", did you mean \"*\"", "未知字段“$1”,是否指“$2”" },
	{ "unknown field \"*\" of *", "$2 没有字段“$1”" },
	{ "unknown field \"*\" in sort", "排序中的字段“$1”未知" },
	{ "unknown field \"*\"", "未知字段“$1”" },
	{ "wrong user name or password", "用户名或密码错误" },
	{ "wrong or expired code", "代码错误或已过期" },
	{ "session has ended: log in again", "会话已结束:请重新登录" },
	{ "not logged in", "尚未登录" },
	{ "server is busy", "服务器繁忙" },
	{ "nothing to search for", "没有要查找的内容" },
	{ "page token does not belong to this list", "页标记不属于此列表" },
	{ "field is missing", "缺少字段" },
	{ "value is missing", "缺少值" },
	{ "operator is missing (*)", "缺少运算符($1)" },
	{ "and or or is missing", "缺少 and 或 or" },
	{ "parenthesis is not closed", "括号没有关闭" },
	{ "parenthesis was not opened", "括号没有打开" },
	{ "quote is not closed", "引号没有关闭" },
	{ "value of \"*\" is blank (write: is empty)", "“$1”的值为空(请写 is empty)" },
	{ "value of \"*\" *", "“$1”的值$2" },
	{ "the reminder has not fired or is done", "该提醒尚未触发或已完成" },
	{ "is not a known *", "所指的 $1 不存在" },
	{ "names * * records: give the id instead", "对应 $1 条 $2 记录:请改用编号" },
	{ "is missing: one of * is needed", "缺失:须填写 $1 之一" },
	{ "is missing: state * needs it", "缺失:状态 $1 需要它" },
	{ "is missing: status * needs it", "缺失:状态 $1 需要它" },
	{ "is missing", "缺失" },
	{ "is not one of *", "不是 $1 之一" },
	{ "is no entry of the dictionary \"*\"", "不是字典“$1”的项" },
	{ "is no field of * (did you mean \"*\"?)", "不是 $1 的字段(是否指“$2”?)" },
	{ "is no field of *", "不是 $1 的字段" },
	{ "* of * \"*\" is taken by another * by now", "$2“$3”的 $1 现已被另一 $4 使用" },
	{ "* of * \"*\" is taken by * \"*\" by now", "$2“$3”的 $1 现已被 $4“$5”使用" },
	{ "is taken by another *", "已被另一 $1 使用" },
	{ "is that of a * merged into \"*\"", "属于已合并到“$2”的 $1" },
	{ "is that of * * \"*\"", "与 $1 $2“$3”相同" },
	{ "exists, owned by another branch", "已存在,属于其他分支机构" },
	{ "likely duplicate", "可能重复" },
	{ "you may not enter likely duplicates", "您无权录入可能重复的记录" },
	{ "entering a likely duplicate needs a reason", "录入可能重复的记录需要说明原因" },
	{ "* is there already: * \"*\"", "$1 已存在:$2 $3" },
	{ "is computed by the server", "由服务器计算" },
	{ "is set by administrators", "由管理员设置" },
	{ "entity not available yet", "该类别尚不可用" },
	{ "cannot be changed", "不能更改" },
	{ "cannot be cleared: name another contact primary instead",
		"不能清空:请改为指定另一主联系人" },
	{ "cannot be kept without the year of birth", "没有出生年份则不能使用" },
	{ "was changed meanwhile", "其间已被更改" },
	{ "is not a phone number", "不是电话号码" },
	{ "is not an e-mail address", "不是电子邮件地址" },
	{ "is not a web address", "不是网址" },
	{ "is not six digits", "不是六位数字" },
	{ "is not a number of digits only", "不是纯数字" },
	{ "is not a whole number", "不是整数" },
	{ "is not a number", "不是数字" },
	{ "is not a date*", "不是日期$1" },
	{ "is not a time of day (*)", "不是时间($1)" },
	{ "is not a time such as *", "不是 $1 之类的时间" },
	{ "is not a time zone such as *", "不是 $1 之类的时区" },
	{ "is a day that does not exist", "是不存在的日子" },
	{ "is a lunar day that does not exist", "是不存在的农历日子" },
	{ "is neither yes nor no", "既不是“是”也不是“否”" },
	{ "is not 15 digits, or 17 digits and a digit or X",
		"不是 15 位数字,也不是 17 位数字加一位数字或 X" },
	{ "is not up to 20 letters and digits", "不是最多 20 个字母和数字" },
	{ "is shorter than * characters", "少于 $1 个字符" },
	{ "is longer than * characters", "多于 $1 个字符" },
	{ "is the old one", "与旧密码相同" },
	{ "is the user name", "与用户名相同" },
	{ "is too common", "过于常见" },
	{ "lies in the past and does not repeat", "已过去且不重复" },
	{ "lies in the past", "已过去" },
	{ "is set: an archived customer is read-only", "已设置:已归档的客户只读" },
};

/* Whether text fits; what each * stands for goes to parts. */
static bool fits(const char *pattern, struct bytes text, struct bytes *parts)
{
	for (; *pattern && *pattern != '*'; pattern++) {
		if (!text.len || *text.data != (uint8_t)*pattern)
			return false;
		text = bytes_of(text.data + 1, text.len - 1);
	}
	if (!*pattern)
		return !text.len;
	for (size_t n = 0; n <= text.len; n++) {
		parts[0] = bytes_of(text.data, n);
		if (fits(pattern + 1, bytes_of(text.data + n, text.len - n), parts + 1))
			return true;
	}
	return false;
}

static void add(struct bytes text, int depth, struct buf *out);

static void add_parts(const char *zh, const struct bytes *parts, int depth, struct buf *out)
{
	for (; *zh; zh++)
		if (*zh == '$')
			add(parts[*++zh - '1'], depth, out);
		else
			buf_add_u8(out, (uint8_t)*zh);
}

static bool add_known(struct bytes text, int depth, struct buf *out)
{
	struct bytes parts[PARTS_MAX];

	for (size_t i = 0; depth < DEPTH_MAX && i < sizeof patterns / sizeof *patterns; i++)
		if (fits(patterns[i].en, text, parts)) {
			add_parts(patterns[i].zh, parts, depth + 1, out);
			return true;
		}
	return false;
}

/* A sentence about a field begins with the field's name. */
static void add(struct bytes text, int depth, struct buf *out)
{
	const uint8_t *blank = text.len ? memchr(text.data, ' ', text.len) : NULL;
	size_t name = blank ? (size_t)(blank - text.data) + 1 : 0;
	size_t before = out->len;

	if (add_known(text, depth, out))
		return;
	buf_add_bytes(out, bytes_of(text.data, name));
	if (name && add_known(bytes_of(text.data + name, text.len - name), depth, out))
		return;
	out->len = before;
	buf_add_bytes(out, text);
}

void message_chinese(struct bytes text, struct buf *out)
{
	add(text, 0, out);
}

void message_chinese_error(struct error *e)
{
	struct buf text = BUF_INIT;

	message_chinese(bytes_str(e->message), &text);
	if (text.len < sizeof e->message)
		snprintf(e->message, sizeof e->message, "%s", buf_str(&text));
	for (size_t i = 0; i < e->nfields; i++) {
		buf_clear(&text);
		message_chinese(bytes_str(e->fields[i].message), &text);
		free(e->fields[i].message);
		e->fields[i].message = bytes_dup(buf_bytes(&text));
	}
	buf_free(&text);
}
