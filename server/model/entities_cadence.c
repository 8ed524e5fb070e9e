/* Rules by which reminders are made, cancelled and escalated. */
#include "server/model/entities.h"

static const struct range rhythm_factor = { 10000, 1000000 };

/* The rows are a table. */
/* clang-format off */

const struct field cadence_rule_fields[] = {
	{ .tag = 1, .name = "code", .type = T_TEXT, .max = 40, .zh = "代码", .en = "Code",
		.flags = F_REQUIRED | F_UNIQUE | F_INDEXED | F_LIST | F_LOOKUP },
	{ .tag = 2, .name = "label_zh", .type = T_TEXT, .max = 60, .zh = "规则名称", .en = "Name (Chinese)",
		.flags = F_REQUIRED | F_LIST | F_SEARCH },
	{ .tag = 3, .name = "label_en", .type = T_TEXT, .max = 60, .zh = "英文名称", .en = "Name (English)",
		.flags = F_SEARCH },
	{ .tag = 4, .name = "active", .type = T_BOOL, .zh = "启用", .en = "Active",
		.flags = F_INDEXED | F_LIST | F_DEFAULTED, .initial = "no" },
	{ .tag = 5, .name = "entity", .type = T_TEXT, .max = 40, .zh = "对象", .en = "Entity",
		.flags = F_REQUIRED | F_LIST },
	{ .tag = 6, .name = "filter", .type = T_TEXT, .max = 4000, .zh = "条件", .en = "Filter",
		.flags = F_LIST },
	{ .tag = 7, .name = "rhythm", .type = T_CHOICE, .refers_to = "cadence_rhythm",
		.zh = "节奏", .en = "Rhythm", .flags = F_INDEXED | F_LIST | F_DEFAULTED,
		.initial = "@default-entry" },
	{ .tag = 8, .name = "action", .type = T_CHOICE, .refers_to = "cadence_action",
		.zh = "所需动作", .en = "Action", .flags = F_INDEXED | F_LIST | F_DEFAULTED,
		.initial = "@default-entry" },
	{ .tag = 9, .name = "activity_types", .type = T_CHOICES, .refers_to = "activity_type",
		.zh = "计入的活动类型", .en = "Activity types", .flags = F_INDEXED },
	{ .tag = 10, .name = "period", .type = T_CHOICE, .refers_to = "cadence_period",
		.zh = "周期", .en = "Period", .flags = F_INDEXED | F_LIST },
	{ .tag = 11, .name = "period_from", .type = T_TEXT, .max = 80,
		.zh = "周期取自字段属性", .en = "Period from attribute" },
	{ .tag = 12, .name = "setting", .type = T_TEXT, .max = 80,
		.zh = "数值取自参数", .en = "Figures from setting" },
	{ .tag = 13, .name = "days_before", .type = T_INTEGERS,
		.zh = "提前提醒天数", .en = "Days before", .range = &days_ahead },
	{ .tag = 14, .name = "steps", .type = T_INTEGERS, .zh = "第几天", .en = "Steps in days",
		.range = &days_ahead },
	{ .tag = 15, .name = "since", .type = T_TEXT, .max = 40, .zh = "起算字段", .en = "Counted from" },
	{ .tag = 16, .name = "factor", .type = T_DECIMAL, .zh = "倍数", .en = "Factor",
		.range = &rhythm_factor },
	{ .tag = 17, .name = "escalate", .type = T_BOOL, .zh = "升级到上级", .en = "Escalate",
		.flags = F_DEFAULTED, .initial = "yes" },
	{ .tag = 18, .name = "to_pool", .type = T_BOOL, .zh = "最后一步退回公海", .en = "Last step to the pool",
		.flags = F_DEFAULTED, .initial = "no" },
	{ .tag = 19, .name = "time_of_day", .type = T_TIME, .zh = "时间", .en = "Time",
		.flags = F_DEFAULTED, .initial = "09:00" },
	{ .tag = 20, .name = "workdays", .type = T_BOOL, .zh = "避开休息日", .en = "On working days",
		.flags = F_DEFAULTED, .initial = "no" },
	{ .tag = 21, .name = "remarks", .type = T_TEXT, .zh = "备注", .en = "Remarks" },
	{ 0 },
};
