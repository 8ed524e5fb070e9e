/* The roles of a new store. Reading within the scope needs no right; everything here can be edited afterwards. */
#include "server/model/roles.h"
#include <stddef.h>

#define REVEAL "personal,cost,sensitive-by-reveal"
/* What everybody of the staff keeps for themselves. */
#define STAFF "note.*,reminder.*,saved_filter.*,work_plan.*"

/* clang-format off */
const struct role_row role_rows[] = {
	{ "admin", "系统管理员", "Administrator", "all", "*", "personal,sensitive,cost", false },
	{ "gm", "总经理", "General manager", "all",
		"review.opinion,review.final,plan.target,plan.approve,collision.rule,"
		"customer.export,contact.export,activity.export,task.export,lead.export,"
		"opportunity.export,product.export,sale.export,contract.export,payment.export,"
		"sales_plan.change,notice.*," STAFF, REVEAL, false },
	{ "vp_sales", "销售副总", "Sales vice president", "all",
		"review.opinion,plan.review,collision.rule,customer.assign,customer.transfer,"
		"customer.export,contact.export,activity.export,lead.export,opportunity.export,"
		"product.export,sale.export,contract.export,payment.export,task.*,notice.*," STAFF, REVEAL, false },
	{ "sales_mgr", "销售部经理", "Sales manager", "branch",
		"customer.*,contact.*,activity.*,task.*,document.*,feedback.*,service_order.*,"
		"survey_response.*,message.*,consent.*,points_entry.*,article.*,notice.*," STAFF ",lead.*,opportunity.*,"
		"sale.*,contract.*,operating_record.*,qualification_review.*,sales_plan.*,"
		"plan_step.*,plan_line.*,collision.rule,"
		"duplicate.override,request.decide,plan.draft,review.opinion", REVEAL, false },
	{ "sales", "业务员", "Salesman", "own",
		"customer.add,customer.change,customer.delete,customer.claim,customer.release,"
		"customer.register,customer.import,customer.export,contact.*,activity.*,task.*,"
		"lead.*,opportunity.*,sale.*,contract.*,plan_line.*,document.*,feedback.add,"
		"feedback.change,survey_response.*,message.*,consent.*," STAFF,
		"personal", false },
	{ "sales_clerk", "销售内勤", "Sales office clerk", "branch",
		"customer.change,sale.add,sale.change,contract.add,contract.change,"
		"operating_record.add,operating_record.change,document.add,document.change," STAFF, "personal", false },
	{ "finance", "财务", "Finance", "all",
		"payment.*,customer.credit,sale.credit_override,review.opinion,plan.finance_review,"
		"balance.negative,sale.change,operating_record.change,"
		"sale.export,contract.export,operating_record.export,document.add,document.change," STAFF, "personal,sensitive,cost", false },
	{ "marketing", "市场部专员", "Marketing specialist", "all",
		"customer.change,customer.merge,duplicate.override,customer.archive,customer.export,contact.change,"
		"consent.*,campaign.*,message.*,survey_response.*,points_entry.*,document.*,"
		"notice.*," STAFF, "personal", false },
	{ "support", "客服", "Support", "branch",
		"feedback.add,feedback.change,service_order.add,service_order.change,activity.add,"
		"activity.change,article.add,article.change,contact.add,contact.change,"
		"part.add,part.change,part_movement.add,document.add,document.change,"
		"survey_response.add,survey_response.change," STAFF,
		"personal", false },
	{ "technician", "维修人员", "Repair technician", "own",
		"service_order.change,part_movement.add," STAFF, NULL, false },
	{ "account_mgr", "客户经理", "Account manager", "own",
		"customer.change,activity.*,task.*,opportunity.*,survey_response.*,portfolio.change,"
		"document.*,feedback.add,feedback.change,"
		STAFF, REVEAL, false },
	{ "auditor", "审计员", "Auditor", "all", "audit.read", NULL, false },
	{ "partner", "合作伙伴", "Partner", "own", "partner.read", NULL, true },
	{ NULL, NULL, NULL, NULL, NULL, NULL, false },
};
