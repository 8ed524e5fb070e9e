#!/bin/bash
# Rhythms: a rule reminds, escalates and takes back; tried before it is switched on; planned anew after kill -9; visit plans.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-12-01T02:00:00Z # 10:00 in Shanghai
server_start --clock "$DIR/clock"
login admin
sessions_never_end
user_add boss sales_mgr main
user_add li sales main
as admin user set li superior=boss >/dev/null 2>&1
C=$(as li customer add name=杭州长河 phone=0571-88880000 -o id 2>/dev/null)
D2=$(as li customer add name=苏州河 phone=0512-88880000 -o id 2>/dev/null)

nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }
at() { # at INSTANT : business time is then, and what is due has fired
	set_clock "$1"
	wait_for 60 nothing_due
}
open_of() { as "$1" reminder list "user = $1 and state = fired" --sort id -o jsonl | jq -r '.source_rule' | tr '\n' ' '; }
planned() { as admin reminder list --planned --limit 1000 -o jsonl | jq -r --argjson id "$1" 'select(.entity == "customer" and .id == $id) | .date' | tr '\n' ' '; }

is "seven rules stand in a new store" "$(as admin cadence-rule list active=yes -o jsonl | wc -l)" 7
exits "a rule is tried" 0 as admin rule test visit -o json
is "on the data of today" "$(jq -c '[.matched, .reminders, .escalations, .owners[0].name]' <<<"$OUT")" '[2,4,2,"li"]'
like "with its first rows" "$(jq -r '.rows[0] | "\(.date) \(.title)"' <<<"$OUT")" '^2026-12-10T01:00:00Z (杭州长河|苏州河)'
exits "on another day" 0 as admin rule test visit --at 2027-01-05 -o json
is "the next quarter's" "$(jq -r '.rows[0].date' <<<"$OUT")" 2027-03-10T01:00:00Z
exits "by administrators" 4 as li rule test visit
is "planned for the owner" "$(planned "$C")" "2026-12-10T01:00:00Z "

at 2026-12-10T01:00:00Z
is "21 days before the end the owner is told" "$(open_of li)" "cadence:visit cadence:visit "
is "the board names it" "$(as li today -o json | jq -r '[.waiting_for_me[].title] | map(select(test("按等级定期拜访"))) | length')" 2
at 2026-12-15T02:00:00Z
is "unacknowledged for three days, the superior is" "$(open_of boss)" "escalation:visit escalation:visit "
as li activity add customer="$D2" activity_type=visit subject=拜访 activity_date=2026-12-15 >/dev/null 2>&1
is "a visit takes both back" "$(open_of li)$(open_of boss)" "cadence:visit escalation:visit "
is "and plans the next quarter" "$(planned "$D2")" "2027-03-10T01:00:00Z "
as li customer set "$D2" grade=key >/dev/null 2>&1
is "another grade plans anew" "$(planned "$D2")" "2027-01-24T01:00:00Z "
at 2026-12-26T02:00:00Z
is "rhythms about to break" "$(as li today -o json | jq -c '[.rhythms[] | [.id, .date]]')" "[[$C,\"2026-12-31\"]]"
as boss reminder ack $(as boss reminder list "user = boss and state = fired" -o id) >/dev/null 2>&1
at 2027-01-01T00:59:00Z
is "until the limit nothing more" "$(as boss reminder list "user = boss and state = fired and occurrence = 2026-12-31 and title ~ 逾期" -o id)" ""
at 2027-01-01T01:00:00Z
like "behind it the superior hears how late" "$(as boss reminder list "user = boss and state = fired" -o jsonl | jq -r .title)" '^杭州长河:按等级定期拜访\(逾期 1 天\)'

# a rule that is changed plans all records anew, through kill -9
for n in $(seq 450); do
	printf '{"op":"add","entity":"customer","set":{"name":"客户%s","phone":"010-1000%04d","owner":"li"}}\n' "$n" "$n"
done >"$DIR/batch"
as admin batch "$DIR/batch" >"$DIR/answers"
is "customers" "$(grep -c '"status":"ok"' "$DIR/answers")" 450
as admin cadence-rule set visit days_before=5 >/dev/null 2>&1
server_kill
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
rows_on() { as admin reminder list --planned --limit 199 -o jsonl | jq -r --arg d "$1" 'select(.entity == "customer" and .date == $d) | .id' | wc -l; }
all_planned() { [ "$(rows_on 2027-03-10T01:00:00Z)" = 0 ] && [ "$(rows_on 2027-03-26T01:00:00Z)" -gt 100 ]; } # the soonest come first
is "planned anew after kill -9" "$(wait_for 60 all_planned && planned 3)" "2027-03-26T01:00:00Z "
as admin cadence-rule set visit active=no >/dev/null 2>&1
none_planned() { [ "$(rows_on 2027-03-26T01:00:00Z)$(planned "$C")" = 0 ]; }
is "switched off, nothing is planned and nothing waits" "$(wait_for 60 none_planned && open_of boss)" ""

# visit plans
V=$(as li task add task_kind=visit_plan customer="$D2" subject=拜访计划 due_on=2027-01-05 -o id 2>/dev/null)
as li activity add customer="$D2" activity_type=visit subject=x visit_plan="$V" -o json >"$DIR/visit" 2>/dev/null
is "a visit whose plan was not handed in is unplanned" "$(jq -r .unplanned "$DIR/visit")" true
exits "a plan is handed in" 0 as li task submit "$V" -o json
is "and says when" "$(jq -r '.state, (.submitted_at | length > 0)' <<<"$OUT" | tr '\n' ' ')" "submitted true "
exits "the superior confirms it" 0 as boss task acknowledge "$V" -o json
like "with a receipt" "$(jq -r '"\(.state) \(.acknowledged_by) \(.acknowledged_at)"' <<<"$OUT")" '^acknowledged [0-9]+ 2027-01-01'
is "a visit by plan" "$(as li activity add customer="$D2" activity_type=visit subject=x visit_plan="$V" -o json 2>/dev/null | jq -r .unplanned)" false
is "one without" "$(as li activity add customer="$D2" activity_type=visit subject=x -o json 2>/dev/null | jq -r .unplanned)" true
is "normal customers need none" "$(as li activity add customer="$C" activity_type=visit subject=x -o json 2>/dev/null | jq -r .unplanned)" false
server_stop
exits "the store is whole" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
