/* The entity tables, one row a field; model_schema() puts them together. Tags are never reused: tests/lint/schema.lock. */
#ifndef SERVER_MODEL_ENTITIES_H
#define SERVER_MODEL_ENTITIES_H

#include "common/schema.h"

/* What several fields keep within. */
extern const struct range not_negative, above_zero, fraction, score, days_ahead, months, years,
	plan_steps, one_to_five, zero_to_ten, any_id, point_range;

extern const struct field customer_fields[];
extern const struct field contact_fields[];
extern const struct field activity_fields[];
extern const struct field task_fields[];
extern const struct field reminder_fields[];
extern const struct field portfolio_fields[];
extern const struct field region_fields[];
extern const struct field branch_fields[];
extern const struct field team_fields[];
extern const struct field user_fields[];
extern const struct field role_fields[];
extern const struct field dictionary_fields[];
extern const struct field dictionary_entry_fields[];
extern const struct field setting_fields[];
extern const struct field operation_fields[];
extern const struct field note_fields[];
extern const struct field lead_fields[];
extern const struct field opportunity_fields[];
extern const struct field product_fields[];
extern const struct field product_price_fields[];
extern const struct field sale_fields[];
extern const struct field contract_fields[];
extern const struct field payment_fields[];
extern const struct field sales_plan_fields[];
extern const struct field plan_step_fields[];
extern const struct field plan_line_fields[];
extern const struct field operating_record_fields[];
extern const struct field qualification_review_fields[];
extern const struct field custom_field_fields[];
extern const struct field document_fields[];
extern const struct field feedback_fields[];
extern const struct field service_order_fields[];
extern const struct field part_fields[];
extern const struct field part_movement_fields[];
extern const struct field article_fields[];
extern const struct field campaign_fields[];
extern const struct field message_fields[];
extern const struct field survey_response_fields[];
extern const struct field points_entry_fields[];
extern const struct field consent_fields[];
extern const struct field work_plan_fields[];
extern const struct field saved_filter_fields[];
extern const struct field notice_fields[];
extern const struct field calendar_day_fields[];
extern const struct field cadence_rule_fields[];

#endif
