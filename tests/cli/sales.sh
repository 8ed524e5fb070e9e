#!/bin/bash
# Selling, as people and scripts see it: products, orders, contracts, payments, opportunities; who sees costs; what reminds when.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-21T02:00:00Z # 10:00 in Shanghai
server_start --clock "$DIR/clock"
login admin
sessions_never_end
# what fields ask for is what counts here
for rule in $(as admin cadence-rule list active=yes --all -o id); do as admin cadence-rule set "$rule" active=no >/dev/null 2>&1; done
C=$(as admin add 杭州长河 phone=0571-88880000 -o id 2>/dev/null)
show() { as admin "$1" show "$2" -o json | jq -r ".$3"; }

exits "a product with a price" 0 as admin product add product_number=P1 name=阀门 price=100 cost_price=60 -o id
exits "an order by its number" 0 as admin sale add customer="$C" product=P1 quantity=2 -o json
S=$(jq .id <<<"$OUT")
is "takes name, price and cost from the product" "$(jq -r '[.product_name, .unit_price, .amount, .margin] | join(" ")' <<<"$OUT")" "阀门 100.00 200.00 80.00"
is "and a number of the day" "$(jq -r '.sale_number + "/" + (.line_number | tostring)' <<<"$OUT")" S20261121-001/1
as admin product set P1 price=120.00 >/dev/null 2>&1
is "an old sale keeps its price" "$(show sale "$S" unit_price)" 100.00
is "the list of prices has a row of today" "$(as admin product_price list 'product = P1' -o json | jq -r '.items[] | .price + " " + .valid_from')" "120.00 2026-11-21"
for n in 1 2; do
	as admin sale add customer="$C" product_name=x unit_price=19.99 quantity=3 discount=85% sale_number=S20261121-001 >/dev/null 2>&1
done
is "lines of one number" "$(as admin sale list 'sale_number = S20261121-001' --sort line_number -o json | jq -c '[.items[].line_number]')" "[1,2,3]"
is "rounded once" "$(as admin sale list 'line_number = 3' -o json | jq -r '.items[0].amount')" 50.97
exits "a discount of 9 is refused" 6 as admin sale add customer="$C" product_name=x unit_price=1 discount=9
is "the customer's sum" "$(show customer "$C" total_amount)" 301.94
is "is found by a filter" "$(as admin customer list 'total_amount >= 300 and products_bought = P1' -o json | jq '.items | length')" 1

exits "an advance" 0 as admin payment add customer="$C" amount=1000 payment_kind=prepayment -o json
is "has a receipt" "$(jq -r .receipt_number <<<"$OUT")" SJ000001
exits "its use" 0 as admin payment add customer="$C" amount=300 payment_kind=prepaid_use -o json
is "leaves the rest" "$(jq -r .prepaid_after <<<"$OUT")" 700.00
is "of the customer too" "$(show customer "$C" prepaid_balance)" 700.00
is "and pays the lines" "$(show customer "$C" receivable_balance)" 1.94
P=$(jq .id <<<"$OUT")
exits "a payment is never changed" 6 as admin payment set "$P" amount=301
exits "nor deleted" 4 as admin payment delete "$P" -y
exits "nor taken back" 5 as admin undo "$(as admin payment add customer="$C" amount=2 -o json 2>&1 >/dev/null | grep -o 'undo [0-9]*' | cut -d' ' -f2)"
exits "with the right the balance goes below zero" 0 as admin payment add customer="$C" amount=701 payment_kind=prepaid_use -o json
is "as it says" "$(jq -r .prepaid_after <<<"$OUT")" -1.00
exits "a sale in use is not deleted" 6 as admin sale delete "$S" -y
exits "nor is its product" 6 as admin product delete P1 -y
like "with the count" "$ERR" '1 sale'

exits "an opportunity" 0 as admin opportunity add customer="$C" name=扩建 expected_amount=100000 stage=proposal -o json
O=$(jq .id <<<"$OUT")
is "is weighted" "$(jq -r .weighted_amount <<<"$OUT")" 50000.00
exits "won without a reason is refused" 6 as admin opportunity set "$O" stage=won
exits "a lead" 0 as admin lead add name=王小明 mobile=13800000001 -o id
exits "is found by its initials" 0 as admin search wxm -o json
like "as a lead" "$OUT" '"entity":"?lead'

user_add li sales main >/dev/null
is "a salesman sees no cost" "$(as li product show P1 -o json | jq -r .cost_price)" "***"
exits "nor asks for it" 4 as li product list 'cost_price > 1'
exits "and changes no product" 4 as li product set P1 name=x
LC=$(as li customer add name=李的客户 phone=0571-88880009 -o id 2>/dev/null)
exits "but sells" 0 as li sale add customer="$LC" product=P1 -o json
is "without the margin" "$(jq -r '[.margin, .cost_price] | join(" ")' <<<"$OUT")" "*** ***"
exits "not for others" 6 as li sale add customer="$C" product=P1
is "whose sales he does not see" "$(as li sale count -o json | jq .count)" 1
exits "and he takes no money" 4 as li payment add customer="$LC" amount=1

# Reminders: days by the setting, by the record, on the day; what is over reminds nobody.
as admin contract add customer="$C" title=到期 ends_on=2026-12-31 >/dev/null 2>&1
as admin contract add customer="$C" title=终止 ends_on=2026-12-31 status=terminated >/dev/null 2>&1
as admin opportunity set "$O" next_step_on=2026-12-02 expected_close_on=2026-12-20 >/dev/null 2>&1
as admin opportunity add customer="$C" name=没了 expected_amount=1 stage=lost close_reason=lost_price next_step_on=2026-12-02 >/dev/null 2>&1
as admin sale set "$S" due_on=2026-12-05 reminder_date=2026-12-12 reminder_days_before=2 >/dev/null 2>&1
as admin note add title=送礼 reminder_date=2026-12-08 reminder_time=15:00 >/dev/null 2>&1
as admin sales_plan add plan_year=2027 >/dev/null 2>&1
as admin plan_step add plan=1 step_number=1 step_kind=region_forecast assignee=admin due_on=2026-12-06 >/dev/null 2>&1
as admin qualification_review add customer="$C" valid_until=2026-12-15 >/dev/null 2>&1
is "what is planned" "$(as admin reminder list --planned --limit 100 -o json | jq '.items | length')" 9
nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }
fired() { as admin reminder list 'state = fired' --limit 100 -o json | jq -r '.items[] | .occurrence + " " + .source_rule' | sort | tr '\n' ','; }
set_clock 2026-12-01T01:00:00Z
wait_for 60 nothing_due
is "thirty days before a contract ends" "$(fired)" "2026-12-31 contract.ends_on,"
set_clock 2026-12-31T08:00:00Z
wait_for 60 nothing_due
is "all of them once" "$(fired)" "2026-12-02 opportunity.next_step_on,2026-12-05 sale.due_on,2026-12-06 plan_step.due_on,2026-12-08 note.reminder_date,2026-12-12 sale.reminder_date,2026-12-15 qualification_review.valid_until,2026-12-20 opportunity.expected_close_on,2026-12-31 contract.ends_on,2026-12-31 contract.ends_on,"
server_stop
exits "the store is whole" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
