#!/bin/bash
# Branches in four zones: the same due date is each one's own local day at nine; dates print unchanged everywhere.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-03-06T00:00:00Z
server_start --clock "$DIR/clock"
login admin
sessions_never_end
i=0
for zone in America/Los_Angeles Europe/London Asia/Shanghai Pacific/Auckland; do
	i=$((i + 1))
	as admin branch add code=b$i name=分公司$i time_zone=$zone >/dev/null 2>&1
	user_add u$i sales b$i
	as u$i task add subject=task-$zone due_on=2026-03-09 >/dev/null 2>&1
	as u$i reminder add title=daily-$zone start_on=2026-03-07 repeat=daily repeat_until=2026-03-09 >/dev/null 2>&1
	as_background u$i watch -o jsonl >"$DIR/events-$i" 2>"$DIR/err-$i"
	wait_for 60 grep -q watching "$DIR/err-$i"
done
exits "an unknown zone is refused" 6 as admin branch add code=bx name=x time_zone=Asia/Hangzhou
is "a date prints unchanged in every zone" "$(for i in 1 2 3 4; do as u$i task list -o jsonl | jq -r .due_on; done | sort -u)" 2026-03-09
nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }
fired() { # what has fired up to an instant
	set_clock "$1"
	wait_for 60 nothing_due
	cat "$DIR"/events-* | jq -r 'select(.kind == "reminder") | .title' | grep "^$2" | sort -u | tr '\n' ' '
}
# 9 March 2026, 09:00: Auckland (+13) is 8 March 20:00Z, Shanghai 01:00Z, London (GMT) 09:00Z, Los Angeles (PDT since the 8th) 16:00Z
is "nobody before Auckland" "$(fired 2026-03-08T19:59:59Z task)" ""
fired 2026-03-08T20:00:00Z task >/dev/null
wait_for 60 grep -q task- "$DIR/events-4"
is "Auckland" "$(fired 2026-03-09T00:59:59Z task)" "task-Pacific/Auckland "
fired 2026-03-09T01:00:00Z task >/dev/null
wait_for 60 grep -q task- "$DIR/events-3"
is "then Shanghai" "$(fired 2026-03-09T08:59:59Z task)" "task-Asia/Shanghai task-Pacific/Auckland "
fired 2026-03-09T09:00:00Z task >/dev/null
wait_for 60 grep -q task- "$DIR/events-2"
is "then London" "$(fired 2026-03-09T15:59:59Z task)" "task-Asia/Shanghai task-Europe/London task-Pacific/Auckland "
fired 2026-03-09T16:00:00Z task >/dev/null
wait_for 60 grep -q task- "$DIR/events-1"
is "Los Angeles last, an hour earlier than before its clocks changed" "$(cat "$DIR"/events-1 | jq -r 'select(.title | startswith("task")?) | .due')" 2026-03-09T16:00:00Z
is "each on its own civil date" "$(cat "$DIR"/events-* | jq -r 'select(.title | startswith("task")?) | .occurrence' | sort -u)" 2026-03-09
is "daily at the local hour over the change of clocks" "$(jq -r 'select(.title | startswith("daily")?) | .due' "$DIR/events-1" | tail -n 1)" 2026-03-09T16:00:00Z
server_stop
test_end
