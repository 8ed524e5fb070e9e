#!/bin/bash
# What users were promised about activities, follow-ups, rhythms and the board of the day, in the commands of the promise.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-23T01:00:00Z # Monday, 09:00 in Shanghai
server_start --clock "$DIR/clock" && login admin && sessions_never_end
user_add boss sales_mgr main >/dev/null
user_add li sales main >/dev/null
user_add wu sales main >/dev/null
as admin user set li superior=boss >/dev/null 2>&1
get() { as admin "$1" show "$2" -o json | jq -r ".$3"; }
nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }
at() { set_clock "$1" && as admin health >/dev/null && { wait_for 60 nothing_due || not_ok "all fires on $1"; }; }
kinds() { as "$1" reminder list "state = fired and customer = $2" --limit 200 -o jsonl | jq -r '.reminder_kind' | sort | tr '\n' ' '; }

# Activities
C=$(as li customer add name=杭州长河 phone=0571-88880000 grade=normal -o id 2>/dev/null)
exits "a visit" 0 as li activity add customer="$C" activity_type=visit mode=打球 subject=拜访 place=西湖 purpose=续约
is "moves the last contact and the last visit" "$(as admin customer show "$C" -o json | jq -r '[.last_contact_on, .last_visit_on] | join(" ")')" "2026-11-23 2026-11-23"
exits "a mode that there is not" 6 as li activity add customer="$C" activity_type=visit mode=外星 subject=拜访
like "names those that there are" "$ERR" "打球|ball_game"
exits "the number is dialled" 0 as li customer dial "$C" --exec "cat >$DIR/number"
is "and the call stands" "$(as li activity count "customer = $C and activity_type = call")" 1

# Tasks and the next follow-up
L=$(as li lead add name=线索 company_name=乙公司 phone=0571-88880001 -o id 2>/dev/null)
T=$(as li task add subject=回访 customer="$C" due_on=2026-12-01 -o id 2>/dev/null)
as li task add subject=早些 customer="$C" due_on=2026-11-27 -o id >/dev/null 2>&1
TL=$(as li task add subject=联系 lead="$L" due_on=2026-11-26 -o id 2>/dev/null)
is "the earliest open task is the next follow-up" "$(get customer "$C" next_follow_up_on) $(get lead "$L" next_follow_up_on)" "2026-11-27 2026-11-26"
like "a column of the customers' list" "$(as li customer list -o tsv)" "next_follow_up_on"
like "and of the leads'" "$(as li lead list -o tsv)" "next_follow_up_on"
exits "that sorts" 0 as li customer list --sort next_follow_up_on
exits "postponed without a reason" 6 as li task set "$T" state=postponed due_on=2026-12-05
exits "with one" 0 as li task set "$T" state=postponed due_on=2026-12-05 state_reason=客户出差
exits "a lead's task is finished" 0 as li task set "$TL" state=done
is "the column follows" "$(get lead "$L" next_follow_up_on)" null
as li task set "$T" state=done >/dev/null 2>&1

# Rhythm of an ordinary customer: a visit in the quarter.
N=$(as li customer add name=没拜访 phone=0571-88880002 grade=normal -o id 2>/dev/null)
V=$(as li customer add name=会拜访 phone=0571-88880003 grade=normal -o id 2>/dev/null)
G=$(as li customer add name=会升级 phone=0571-88880004 grade=normal -o id 2>/dev/null)
at 2026-12-10T01:00:10Z
like "on 10 December the owner is reminded of the rhythm" "$(kinds li "$N")" "cadence"
is "of one visited in the quarter nobody is" "$(kinds li "$C" | grep -c cadence)" 0
exits "who acknowledges is not reported for that" 0 as li reminder ack $(as li reminder list 'state = fired' --limit 200 -o id)
at 2026-12-15T01:00:00Z
exits "a visit" 0 as li activity add customer="$V" activity_type=visit subject=拜访
is "takes the reminder back" "$(kinds li "$V" | grep -c cadence)" 0
exits "another grade" 0 as admin customer set "$G" grade=key
at 2026-12-24T01:00:10Z
like "plans anew for the month" "$(kinds li "$G")" "cadence"
at 2027-01-01T00:59:59Z
is "before nine the superior knows nothing" "$(as boss reminder list "state = fired and user = boss and customer = $N" -o id)" ""
at 2027-01-01T01:00:10Z
like "at nine the superior has the escalation" "$(as boss reminder list "state = fired and user = boss and customer = $N" -o jsonl)" "没拜访"
is "of the visited one not" "$(as boss reminder list "state = fired and user = boss and customer = $V" -o id)" ""
exits "a rule is tried on what stands" 0 as admin rule test visit -o json
like "says whom it concerns" "$OUT" "li"

# Plans of visits to key customers.
K=$(as li customer add name=重点 phone=0571-88880005 grade=key -o id 2>/dev/null)
A=$(as li activity add customer="$K" activity_type=visit subject=没计划 -o id 2>/dev/null)
is "a visit without a plan is marked" "$(get activity "$A" unplanned)" true
P=$(as li task add subject=计划拜访 task_kind=visit_plan customer="$K" due_on=2027-01-06 -o id 2>/dev/null)
exits "a plan is submitted" 0 as li task submit "$P"
exits "the superior acknowledges it" 0 as boss task acknowledge "$P"
like "the plan shows the receipt" "$(as li task show "$P" -o json)" "acknowledged_at"
B=$(as li activity add customer="$K" activity_type=visit subject=有计划 visit_plan="$P" -o id 2>/dev/null)
is "the visit it speaks of is not marked" "$(get activity "$B" unplanned)" false
Q=$(as li task add subject=无结果 task_kind=visit_plan customer="$K" due_on=2027-01-06 -o id 2>/dev/null)
as li task submit "$Q" >/dev/null 2>&1
as li reminder add title=没确认 start_on=2027-01-07 >/dev/null 2>&1
at 2027-01-08T15:59:00Z
like "two working days later without a result it is overdue" "$(as li today -o json | jq -c .overdue)" "无结果"

like "who planned it is reminded" "$(as li reminder list "state = fired and record = task:$Q" -o jsonl)" "cadence:plan_result"
is "who has visited is not" "$(as li reminder list "state = fired and record = task:$P and reminder_kind = cadence" -o id)" ""
exits "a result" 0 as li task set "$Q" state=done
is "ends that" "$(as li reminder list "state = fired and record = task:$Q" -o id)" ""

as boss report visit-plans --from this-quarter -o json >"$DIR/plans.json"
is "the report has the visit without a plan" "$(jq -c '[.unplanned[].title]' "$DIR/plans.json")" '["没计划"]'
is "and the planned one" "$(jq -c '[.planned[].title]' "$DIR/plans.json")" '["有计划"]'
exits "of no period" 2 as boss report visit-plans --from soon
is "others' are not for everybody" "$(as wu report visit-plans --from this-quarter -o json | jq -c '[.[] | length] | add')" 0

# The board of the day
at 2027-01-11T01:00:00Z
as li contact add customer="$C" name=寿星 mobile=13800000001 birthday=1980-01-20 >/dev/null 2>&1
as li contact add customer="$C" name=农历寿星 mobile=13800000002 birthday=lunar:12-15 >/dev/null 2>&1
as li task add subject=今天 customer="$C" due_on=2027-01-11 >/dev/null 2>&1
as li today -o json >"$DIR/today.json"
is "today has its sections" "$(jq -c '["overdue", "due_today", "birthdays", "waiting_for_me", "notices"] - keys == []' "$DIR/today.json")" true
like "due today" "$(jq -c .due_today "$DIR/today.json")" "今天"
like "a birthday with its date and the age" "$(jq -c .birthdays "$DIR/today.json")" "2027-01-20.*47|47.*2027-01-20"
like "a lunar one with its civil date" "$(jq -c .birthdays "$DIR/today.json")" "2027-01-22"
exits "the agenda of the week" 0 as li agenda --from this-week -o json
like "has the task" "$OUT" "今天"
like "a manager's board has the team's" "$(as boss today --team -o json)" "今天"
like "what nobody acknowledged for days is overdue" "$(jq -c .overdue "$DIR/today.json")" "没确认"

# Leads
W=$(as li lead add name=新线索 company_name=丙公司 phone=0571-88880006 -o id 2>/dev/null)
at 2027-01-14T01:00:10Z
like "day 3: the owner is reminded" "$(as li reminder list "state = fired and record = lead:$W" -o jsonl)" "新线索"
at 2027-01-16T01:00:10Z
like "day 5: the superior has a copy" "$(as boss reminder list "user = boss and record = lead:$W" -o jsonl)" "新线索"
at 2027-01-18T01:00:10Z
is "day 7: back to the pool" "$(get lead "$W" owner)" null
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
