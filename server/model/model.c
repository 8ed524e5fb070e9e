#include "server/model/model.h"
#include "common/record.h"
#include "server/model/entities.h"
#include <glib.h>

const struct range not_negative = { 0, INT64_MAX };
const struct range above_zero = { 1, INT64_MAX };
const struct range fraction = { 0, 10000 };
const struct range score = { 0, 100 };
const struct range days_ahead = { 0, 366 };
const struct range months = { 1, 12 };
const struct range years = { 1900, 9999 };
const struct range plan_steps = { 1, 8 };
const struct range one_to_five = { 1, 5 };
const struct range zero_to_ten = { 0, 10 };
const struct range any_id = { 1, ANY_ID_MAX };
const struct range point_range = { INT64_C(-1000000000000), INT64_C(1000000000000) };

/* clang-format off */
static const struct entity_table tables[] = {
	{ .entity = { .number = ENTITY_CUSTOMER, .name = "customer",
		.zh = "客户", .en = "Customer", .name_field = "name",
		.number_field = "customer_number", .owner_field = "owner", .handed_over = "",
		.merged_field = "merged_into", .flags = E_ARCHIVE },
		.rows = customer_fields },
	{ .entity = { .number = ENTITY_CONTACT, .name = "contact",
		.zh = "联系人", .en = "Contact", .name_field = "name", .scope_fields = "customer",
		.owner_field = "owner", .handed_over = "", .merged_field = "merged_into" },
		.rows = contact_fields },
	{ .entity = { .number = ENTITY_ACTIVITY, .name = "activity",
		.zh = "联系活动", .en = "Activity", .name_field = "subject",
		.scope_fields = "customer|lead", .owner_field = "owner" },
		.rows = activity_fields },
	{ .entity = { .number = ENTITY_TASK, .name = "task", .zh = "任务", .en = "Task",
		.name_field = "subject", .scope_fields = "customer|lead", .owner_field = "assignee", .handed_over = "state",
		.seen_by_field = "assignee" },
		.rows = task_fields },
	{ .entity = { .number = ENTITY_REMINDER, .name = "reminder",
		.zh = "提醒", .en = "Reminder", .name_field = "title", .owner_field = "user", .handed_over = "state" },
		.rows = reminder_fields },
	{ .entity = { .number = ENTITY_PORTFOLIO, .name = "portfolio",
		.zh = "客户组合", .en = "Portfolio", .name_field = "name", .number_field = "name",
		.flags = E_SHARED | E_ADMIN },
		.rows = portfolio_fields },
	{ .entity = { .number = ENTITY_REGION, .name = "region", .zh = "区域", .en = "Region",
		.name_field = "name", .number_field = "code", .flags = E_SHARED | E_ADMIN },
		.rows = region_fields },
	{ .entity = { .number = ENTITY_BRANCH, .name = "branch", .zh = "分支机构", .en = "Branch",
		.name_field = "name", .number_field = "code", .flags = E_SHARED | E_ADMIN },
		.rows = branch_fields },
	{ .entity = { .number = ENTITY_TEAM, .name = "team", .zh = "团队", .en = "Team",
		.name_field = "name", .flags = E_SHARED | E_ADMIN },
		.rows = team_fields },
	{ .entity = { .number = ENTITY_USER, .name = "user", .zh = "用户", .en = "User",
		.name_field = "name", .number_field = "username",
		.flags = E_SHARED | E_ADMIN | E_NO_DELETE },
		.rows = user_fields },
	{ .entity = { .number = ENTITY_ROLE, .name = "role", .zh = "角色", .en = "Role",
		.name_field = "label_zh", .number_field = "code", .flags = E_SHARED | E_ADMIN },
		.rows = role_fields },
	{ .entity = { .number = ENTITY_DICTIONARY, .name = "dictionary",
		.zh = "字典", .en = "Dictionary", .name_field = "label_zh",
		.number_field = "code", .flags = E_SHARED | E_ADMIN | E_NO_DELETE },
		.rows = dictionary_fields },
	{ .entity = { .number = ENTITY_DICTIONARY_ENTRY, .name = "dictionary_entry",
		.zh = "字典项", .en = "Dictionary entry", .name_field = "label_zh",
		.number_field = "key", .flags = E_SHARED | E_ADMIN },
		.rows = dictionary_entry_fields },
	{ .entity = { .number = ENTITY_CUSTOM_FIELD, .name = "custom_field",
		.zh = "自定义字段", .en = "Custom field", .name_field = "label_zh",
		.number_field = "key",
		.flags = E_SHARED | E_ADMIN },
		.rows = custom_field_fields },
	{ .entity = { .number = ENTITY_SETTING, .name = "setting", .zh = "参数", .en = "Setting",
		.name_field = "name", .number_field = "name",
		.flags = E_SHARED | E_ADMIN | E_NO_DELETE },
		.rows = setting_fields },
	{ .entity = { .number = ENTITY_OPERATION, .name = "operation",
		.zh = "操作", .en = "Operation", .name_field = "kind", .owner_field = "user",
		.flags = E_READONLY | E_NO_DELETE },
		.rows = operation_fields },
	{ .entity = { .number = ENTITY_NOTE, .name = "note", .zh = "记事", .en = "Note",
		.name_field = "title", .scope_fields = "customer|record", .owner_field = "owner",
		.flags = E_PRIVATE },
		.rows = note_fields },
	{ .entity = { .number = ENTITY_LEAD, .name = "lead", .zh = "线索", .en = "Lead",
		.name_field = "name", .owner_field = "owner", .handed_over = "" },
		.rows = lead_fields },
	{ .entity = { .number = ENTITY_OPPORTUNITY, .name = "opportunity",
		.zh = "销售机会", .en = "Opportunity", .name_field = "name",
		.scope_fields = "customer", .owner_field = "owner", .handed_over = "" },
		.rows = opportunity_fields },
	{ .entity = { .number = ENTITY_PRODUCT, .name = "product", .zh = "产品", .en = "Product",
		.name_field = "name", .number_field = "product_number", .flags = E_SHARED },
		.rows = product_fields },
	{ .entity = { .number = ENTITY_PRODUCT_PRICE, .name = "product_price",
		.zh = "产品价格", .en = "Product price", .name_field = "valid_from",
		.flags = E_SHARED },
		.rows = product_price_fields },
	{ .entity = { .number = ENTITY_SALE, .name = "sale", .zh = "销售记录", .en = "Sale",
		.name_field = "product_name", .scope_fields = "customer", .owner_field = "owner" },
		.rows = sale_fields },
	{ .entity = { .number = ENTITY_CONTRACT, .name = "contract", .zh = "合同", .en = "Contract",
		.name_field = "title", .number_field = "contract_number",
		.scope_fields = "customer", .owner_field = "owner", .handed_over = "" },
		.rows = contract_fields },
	{ .entity = { .number = ENTITY_PAYMENT, .name = "payment", .zh = "回款", .en = "Payment",
		.name_field = "payment_number", .number_field = "payment_number",
		.scope_fields = "customer", .owner_field = "recorded_by",
		.flags = E_FINAL | E_NO_DELETE },
		.rows = payment_fields },
	{ .entity = { .number = ENTITY_SALES_PLAN, .name = "sales_plan",
		.zh = "销售计划", .en = "Sales plan", .name_field = "title",
		.owner_field = "owner", .handed_over = "" },
		.rows = sales_plan_fields },
	{ .entity = { .number = ENTITY_PLAN_STEP, .name = "plan_step",
		.zh = "计划步骤", .en = "Plan step", .name_field = "step_number",
		.scope_fields = "plan", .owner_field = "assignee", .handed_over = "", .seen_by_field = "assignee" },
		.rows = plan_step_fields },
	{ .entity = { .number = ENTITY_PLAN_LINE, .name = "plan_line",
		.zh = "计划明细", .en = "Plan line", .name_field = "plan_line_kind",
		.scope_fields = "plan", .owner_field = "salesperson",
		.seen_by_field = "salesperson" },
		.rows = plan_line_fields },
	{ .entity = { .number = ENTITY_OPERATING_RECORD, .name = "operating_record",
		.zh = "月度经营记录", .en = "Operating record", .name_field = "month",
		.scope_fields = "customer", .owner_field = "owner" },
		.rows = operating_record_fields },
	{ .entity = { .number = ENTITY_QUALIFICATION_REVIEW, .name = "qualification_review",
		.zh = "客户资质评审", .en = "Qualification review", .name_field = "review_number",
		.number_field = "review_number", .scope_fields = "customer" },
		.rows = qualification_review_fields },
	{ .entity = { .number = ENTITY_DOCUMENT, .name = "document",
		.zh = "相关文档", .en = "Document", .name_field = "title",
		.scope_fields = "customer|record", .owner_field = "created_by" },
		.rows = document_fields },
	{ .entity = { .number = ENTITY_FEEDBACK, .name = "feedback",
		.zh = "服务回馈", .en = "Case", .name_field = "title",
		.number_field = "feedback_number", .scope_fields = "customer",
		.owner_field = "assignee", .handed_over = "", .seen_by_field = "assignee" },
		.rows = feedback_fields },
	{ .entity = { .number = ENTITY_SERVICE_ORDER, .name = "service_order",
		.zh = "服务单", .en = "Service order", .name_field = "order_number",
		.number_field = "order_number", .scope_fields = "customer",
		.owner_field = "technician", .handed_over = "", .seen_by_field = "technician" },
		.rows = service_order_fields },
	{ .entity = { .number = ENTITY_PART, .name = "part", .zh = "备件", .en = "Part",
		.name_field = "name", .number_field = "part_number", .flags = E_SHARED },
		.rows = part_fields },
	{ .entity = { .number = ENTITY_PART_MOVEMENT, .name = "part_movement",
		.zh = "备件出入库", .en = "Part movement", .scope_fields = "service_order",
		.owner_field = "created_by", .flags = E_FINAL | E_NO_DELETE },
		.rows = part_movement_fields },
	{ .entity = { .number = ENTITY_ARTICLE, .name = "article",
		.zh = "知识库文章", .en = "Article", .name_field = "title",
		.owner_field = "owner", .flags = E_SHARED },
		.rows = article_fields },
	{ .entity = { .number = ENTITY_CAMPAIGN, .name = "campaign",
		.zh = "营销活动", .en = "Campaign", .name_field = "name",
		.owner_field = "owner", .handed_over = "" },
		.rows = campaign_fields },
	{ .entity = { .number = ENTITY_MESSAGE, .name = "message", .zh = "消息", .en = "Message",
		.name_field = "subject", .scope_fields = "customer", .owner_field = "owner" },
		.rows = message_fields },
	{ .entity = { .number = ENTITY_SURVEY_RESPONSE, .name = "survey_response",
		.zh = "满意度调查", .en = "Survey response", .name_field = "survey_name",
		.scope_fields = "customer", .owner_field = "created_by" },
		.rows = survey_response_fields },
	{ .entity = { .number = ENTITY_POINTS_ENTRY, .name = "points_entry",
		.zh = "积分流水", .en = "Points entry", .scope_fields = "customer",
		.owner_field = "created_by", .flags = E_FINAL | E_NO_DELETE },
		.rows = points_entry_fields },
	{ .entity = { .number = ENTITY_CONSENT, .name = "consent", .zh = "授权同意", .en = "Consent",
		.name_field = "scope", .scope_fields = "customer",
		.owner_field = "collected_by", .flags = E_NO_DELETE },
		.rows = consent_fields },
	{ .entity = { .number = ENTITY_WORK_PLAN, .name = "work_plan",
		.zh = "工作计划", .en = "Work plan", .name_field = "plan_number",
		.number_field = "plan_number", .owner_field = "user" },
		.rows = work_plan_fields },
	{ .entity = { .number = ENTITY_SAVED_FILTER, .name = "saved_filter",
		.zh = "常用查询", .en = "Saved filter", .name_field = "name",
		.owner_field = "owner", .shared_field = "shared_with" },
		.rows = saved_filter_fields },
	{ .entity = { .number = ENTITY_NOTICE, .name = "notice", .zh = "公告", .en = "Notice",
		.name_field = "title", .owner_field = "owner", .shared_field = "audience" },
		.rows = notice_fields },
	{ .entity = { .number = ENTITY_CALENDAR_DAY, .name = "calendar_day",
		.zh = "日历", .en = "Calendar day", .name_field = "label",
		.flags = E_SHARED | E_ADMIN },
		.rows = calendar_day_fields },
	{ .entity = { .number = ENTITY_CADENCE_RULE, .name = "cadence_rule",
		.zh = "频率规则", .en = "Cadence rule", .name_field = "label_zh",
		.number_field = "code", .flags = E_SHARED | E_ADMIN },
		.rows = cadence_rule_fields },
};
/* clang-format on */

enum status model_schema(struct schema **out, struct error *e)
{
	return schema_build(tables, G_N_ELEMENTS(tables), out, e);
}

uint16_t model_tag(const struct schema *s, const char *entity, const char *field)
{
	const struct entity *en = schema_entity(s, bytes_str(entity));
	const struct field *f = en ? entity_field_named(en, field) : NULL;

	if (!f)
		g_error("the tables have no field %s.%s", entity, field);
	return f->tag;
}

uint64_t model_number(const struct entity *entity, struct bytes fields, const char *name)
{
	const struct field *f = name ? entity_field_exact(entity, name) : NULL;

	return f ? record_number(fields, f->tag) : 0;
}

struct bytes model_text(const struct entity *entity, struct bytes fields, const char *name)
{
	const struct field *f = name ? entity_field_exact(entity, name) : NULL;

	return f ? record_text(fields, f->tag) : bytes_of("", 0);
}

/* NULL when it names none. */
static const struct zone *zone_of(struct bytes name)
{
	char *text = bytes_dup(name);
	const struct zone *zone = zone_find(text);

	free(text);
	return zone;
}

const struct zone *model_user_zone(struct txn *t, struct bytes user)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *users = schema_entity_by_number(schema, ENTITY_USER);
	const struct entity *branches = schema_entity_by_number(schema, ENTITY_BRANCH);
	const struct zone *zone = zone_of(model_text(users, user, "time_zone"));
	uint64_t branch = model_number(users, user, "branch");
	struct buf room = BUF_INIT;
	struct stored s;

	if (!zone && branch && !store_get(t, &scope_all, branches, branch, &room, &s, NULL))
		zone = zone_of(model_text(branches, s.fields, "time_zone"));
	buf_free(&room);
	return zone ? zone : zone_find(ZONE_DEFAULT);
}
