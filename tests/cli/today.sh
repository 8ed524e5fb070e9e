#!/bin/bash
# The board of the day and the agenda: whose, in which order, in which zone; birthdays over the turn of the year.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-12-20T01:00:00Z # 09:00 in Shanghai, a Sunday
server_start --clock "$DIR/clock"
login admin
sessions_never_end
user_add boss sales_mgr main
user_add li sales main
BOSS=$(as admin user list 'username = boss' -o id)
as admin user set "$(as admin user list 'username = li' -o id)" superior="$BOSS" >/dev/null 2>&1
C=$(as li add 杭州长河 phone=0571-88880000 -o id 2>/dev/null)
for b in 甲=12-25 乙=1980-01-19 丙=lunar:12-01 丁=01-20 戊=12-19 己=1990-12-20; do
	as li contact add customer="$C" name="${b%%=*}" birthday="${b#*=}" >/dev/null 2>&1
done
for t in 旧=2026-12-01 近=2026-12-19 今=2026-12-20 明=2026-12-22; do
	as li task add customer="$C" subject="${t%%=*}" due_on="${t#*=}" due_time=14:00 >/dev/null 2>&1
done
as li task add customer="$C" subject=计划 task_kind=visit_plan due_on=2026-12-23 due_time=10:00 >/dev/null 2>&1
as li reminder add title=电话 start_on=2026-12-22 time_of_day=11:00 >/dev/null 2>&1
as boss notice add title=放假 content=元旦放假 audience=all >/dev/null 2>&1
as boss notice add title=过期 content=x audience=all expires_on=2026-12-19 >/dev/null 2>&1

exits "today" 0 as li today -o json
B=$OUT
is "what is late, the latest first" "$(jq -r '.overdue[].title' <<<"$B" | tr '\n' ' ')" "近 旧 "
is "what is due" "$(jq -r '.due_today[].title' <<<"$B")" 今
is "birthdays of 30 days, over the turn of the year, lunar ones too" "$(jq -r '.birthdays[] | .title + " " + .date' <<<"$B" | tr '\n' ' ')" \
	"己 2026-12-20 甲 2026-12-25 丙 2027-01-08 乙 2027-01-19 "
is "with the age where the year is known" "$(jq -c '[.birthdays[] | .age]' <<<"$B")" '[36,null,null,47]'
is "notices to me that have not expired" "$(jq -r '.notices[].title' <<<"$B")" 放假
is "nobody's own notice" "$(as boss today -o json | jq -c '[.notices[].title]')" '[]'
is "as a table" "$(as li today -o table | grep -c '^[a-z].* ([0-9]*)$')" 7
is "the boss has none of it" "$(as boss today -o json | jq -c '[.overdue, .due_today, .birthdays | length]')" '[0,0,0]'
is "but sees the team's" "$(as boss today --team -o json | jq -c '[[.team_overdue[].title], [.team_due_today[].title]]')" '[["近","旧"],["今"]]'
is "who has no team sees none" "$(as li today --team -o json | jq -c '[.team_overdue[], .team_due_today[]]')" '[]'

exits "agenda" 0 as li agenda --from 2026-12-21 -o jsonl
is "in the order of time" "$(jq -r '.section + " " + .title + " " + .date' <<<"$OUT" | tr '\n' ',')" \
	"reminders 甲 2026-12-22T01:00:00Z,reminders 电话 2026-12-22T03:00:00Z,tasks 明 2026-12-22T06:00:00Z,tasks 计划 2026-12-23T02:00:00Z,reminders 甲 2026-12-25T01:00:00Z,"
set_clock 2026-12-22T03:30:00Z
nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }
wait_for 60 nothing_due
exits "agenda of the week" 0 as li agenda --from this-week -o tsv --no-header
is "has what has fired and what is to come" "$(cut -f 2,5- <<<"$OUT" | grep -c '电话\|明\|计划\|甲')" 5
as li task set "$(as li task list 'subject = 计划' -o id)" state=submitted >/dev/null 2>&1
is "what is handed in waits for the superior" "$(as boss today -o json | jq -r '.approvals[].title')" 计划
is "and for nobody else" "$(as li today -o json | jq -c '[.approvals[].title]')" '[]'
exits "a first day that is none" 2 as li agenda --from never
set_clock 2027-03-28T01:00:00Z
is "a customer who must be visited within days" "$(as li today -o json | jq -r '.rhythms[] | .title + " " + .date')" "杭州长河 2027-03-31"
test_end
