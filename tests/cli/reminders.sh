#!/bin/bash
# Reminders: once, recurring, days ahead; push, acknowledge, snooze, resume; solar, lunar, 29 February; a server that was down.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-23T06:00:00Z # 14:00 in Shanghai
server_start --clock "$DIR/clock"
login admin
sessions_never_end
as admin setting set birthday.days_before value=0 >/dev/null 2>&1 || not_ok "a setting is set by its name"
C=$(as admin add 杭州长河 phone=0571-88880000 -o id 2>/dev/null)

watch_start() {
	as_background admin watch -o jsonl "$@" >"$DIR/events" 2>"$DIR/watch.err"
	WATCH=$!
	wait_for 60 grep -q watching "$DIR/watch.err"
}
watch_stop() {
	kill -TERM $WATCH 2>/dev/null
	wait $WATCH 2>/dev/null
}
has() { [ "$(wc -l <"$DIR/events")" -ge "$1" ]; }
titles() { jq -r 'select(.kind == "reminder") | .title' "$DIR/events" | tr '\n' ' '; }
# fires_on NAME DAYS... : moves the clock to 09:00 in Shanghai of each day in turn and collects those on which the title fired
fires_on() {
	local name=$1 got= day before
	shift
	for day in "$@"; do
		before=$(jq -r --arg t "$name" 'select(.title == $t) | .title' "$DIR/events" | wc -l)
		set_clock "${day}T01:00:00Z"
		settled
		[ "$(jq -r --arg t "$name" 'select(.title == $t) | .title' "$DIR/events" | wc -l)" -gt "$before" ] && got="$got $day"
	done
	FIRED=${got# }
}
# settled: everything that is due has fired and reached the watcher; events come in order, so one that fires now comes last
SYNC=0
settled() {
	wait_for 60 nothing_due
	as admin reminder add title=sync-$((++SYNC)) start_on=today time_of_day=00:00 >/dev/null 2>&1
	wait_for 60 grep -q "\"title\":\"sync-$SYNC\"" "$DIR/events"
}
nothing_due() { [ "$(as admin health -o json | jq -r .reminders_due_now)" = 0 ]; }

watch_start
exits "a reminder for today, an hour ahead" 0 as admin reminder add title=x start_on=today time_of_day=15:00
set_clock 2026-11-23T06:59:59Z
nothing_due || not_ok "nothing is due before"
is "does not fire before its time" "$(wc -l <"$DIR/events")" 0
set_clock 2026-11-23T07:00:00Z
wait_for 60 has 1
is "fires today at 15:00" "$(jq -r '.title + " " + ((.late // false) | tostring)' "$DIR/events")" "x false"
exits "one for today with the time already past" 0 as admin reminder add title=y start_on=today time_of_day=08:00
wait_for 60 has 2
is "fires at once" "$(titles)" "x y "
exits "one in the past is refused" 6 as admin reminder add title=z start_on=2026-11-01
exits "days ahead" 0 as admin reminder add title=w start_on=2026-11-27 days_before=3,0
fires_on w 2026-11-24 2026-11-25 2026-11-26 2026-11-27 2026-11-28
is "fire on each of them" "$FIRED" "2026-11-24 2026-11-27"

X=$(jq -r 'select(.title == "x") | .id' "$DIR/events")
BEFORE=$(wc -l <"$DIR/events")
exits "acknowledge" 0 as admin reminder ack "$X"
wait_for 60 has $((BEFORE + 1))
is "clears it in the watching session" "$(tail -n 1 "$DIR/events" | jq -r '.kind + " " + (.id | tostring)')" "cleared $X"
Y=$(jq -r 'select(.title == "y") | .id' "$DIR/events")
exits "snooze" 0 as admin reminder snooze "$Y" 2d
fires_on y 2026-11-29 2026-11-30
is "fires again two days later" "$FIRED" 2026-11-30
as admin reminder ack "$Y" 2>/dev/null >/dev/null

exits "monthly on the 31st" 0 as admin reminder add title=month start_on=2027-01-31 repeat=monthly
fires_on month 2027-01-30 2027-01-31 2027-02-27 2027-02-28 2027-03-01 2027-03-28 2027-03-31 2027-04-30 2027-05-30 2027-05-31
is "is the last day of shorter months and returns to the 31st" "$FIRED" "2027-01-31 2027-02-28 2027-03-31 2027-04-30 2027-05-31"
exits "every two weeks" 0 as admin reminder add title=weeks start_on=2027-06-01 repeat=weekly repeat_every=2
fires_on weeks 2027-06-01 2027-06-08 2027-06-15 2027-06-22 2027-06-29
is "every two weeks" "$FIRED" "2027-06-01 2027-06-15 2027-06-29"

as admin contact add customer="$C" name=闰 birthday=02-29 >/dev/null 2>&1
as admin contact add customer="$C" name=中秋 birthday=lunar:08-15 >/dev/null 2>&1
as admin contact add customer="$C" name=闰六月 birthday=lunar:1987-L06-01 >/dev/null 2>&1
is "a birthday is kept as entered" "$(as admin contact list 'name = 闰' -o jsonl | jq -r .birthday)" 02-29
fires_on 中秋 2027-09-14 2027-09-15 2027-09-16
is "the lunar 8/15 of 2027" "$FIRED" 2027-09-15
fires_on 闰 2028-02-27 2028-02-28 2028-02-29 2028-03-01
is "29 February in a leap year" "$FIRED" 2028-02-29
fires_on 中秋 2028-10-02 2028-10-03
is "the lunar 8/15 of 2028" "$FIRED" 2028-10-03
fires_on 闰 2029-02-27 2029-02-28 2029-03-01
is "29 February in a year without" "$FIRED" 2029-02-28
planned() { as admin reminder list --planned --limit 1000 -o json | jq -r --arg t "$1" '.items[] | select(.title == $t) | .date'; }
planned_is() { [ "$(planned "$1")" = "$2" ]; }
exits "another day for 29 February" 0 as admin setting set birthday.leap_day 03-01
wait_for 60 planned_is 闰 2030-03-01T01:00:00Z
is "moves what is planned" "$(planned 闰)" 2030-03-01T01:00:00Z
exits "another zone of the branch" 0 as admin branch set 1 time_zone=Asia/Tokyo
wait_for 60 planned_is 闰 2030-03-01T00:00:00Z
is "as well" "$(planned 闰)" 2030-03-01T00:00:00Z
as admin branch set 1 time_zone=Asia/Shanghai >/dev/null 2>&1
wait_for 60 planned_is 闰 2030-03-01T01:00:00Z
settled
unlike "and nothing that has fired fires again" "$(tail -n 2 "$DIR/events")" 闰
fires_on 闰六月 2029-07-10 2029-07-11 2029-07-12
is "a leap month in a year without it is the plain month" "$FIRED" 2029-07-11
exits "a lunar date that does not exist" 6 as admin contact add customer="$C" name=x birthday=lunar:1987-L07-01
exits "a lunar date out of range" 6 as admin contact add customer="$C" name=x birthday=lunar:1850-01-01

watch_stop
as admin reminder list 'state = fired' -o id --all | xargs -r env GUANXI_CONFIG_DIR="$DIR/profile-admin" "$BIN/guanxi" reminder ack >/dev/null 2>&1
n=0
for name in eins zwei drei; do as admin reminder add title=$name start_on=2029-12-0$((++n)) >/dev/null 2>&1; done
LAST=$(tail -n 1 "$DIR/events" | jq .seq)
set_clock 2029-12-04T01:00:00Z
wait_for 60 nothing_due
watch_start --since "$LAST"
wait_for 60 grep -q drei "$DIR/events"
is "a client that was away gets what it missed, once, in order" "$(jq -r 'select(.title == ("eins", "zwei", "drei")) | .title' "$DIR/events" | tr '\n' ' ')" "eins zwei drei "
is "marked late" "$(jq -r 'select(.title == "drei") | .late' "$DIR/events")" true
watch_stop

as admin reminder add title=down start_on=2030-01-05 >/dev/null 2>&1
as admin reminder add title=series start_on=2030-01-04 repeat=daily >/dev/null 2>&1
server_stop
set_clock 2030-01-12T02:00:00Z
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
watch_start
wait_for 60 grep -q down "$DIR/events"
wait_for 60 grep -q series "$DIR/events"
settled
is "a server that was down fires at start, late, once" "$(jq -c 'select(.title == "down") | .late' "$DIR/events")" true
is "a series that was missed for days fires once" "$(jq -r 'select(.title == "series") | .title' "$DIR/events" | wc -l)" 1
fires_on series 2030-01-13
is "and goes on the next day" "$FIRED" 2030-01-13
fires_on series 2030-01-12 2030-01-13
is "a clock that goes back fires nothing twice" "$FIRED" ""
server_kill
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
wait_for 60 grep -q 'connected again' "$DIR/watch.err"
as admin reminder add title=after start_on=today time_of_day=08:00 >/dev/null 2>&1
wait_for 60 grep -q '"title":"after"' "$DIR/events"
is "watch outlives a server that was killed" "$(grep -c '"title":"after"' "$DIR/events")" 1
watch_stop
OUT=$(as admin health -o json 2>/dev/null) # its exit tells of the machine's disk too
like "health names the last firing" "$(jq -r .reminder_last_fired <<<"$OUT")" '^2030-01-1'

as admin task add customer="$C" subject=高山 due_on=2030-01-12 >/dev/null 2>&1
as admin task add customer="$C" subject=流水 due_on=2030-01-13 >/dev/null 2>&1
as admin contact add customer="$C" name=新年 birthday=01-20 >/dev/null 2>&1
set_clock 2030-01-13T02:00:00Z
exits "today" 0 as admin today -o json
is "a reminder that fired again waits once" "$(jq '[.waiting_for_me[].id] | length == (unique | length)' <<<"$OUT")" true
is "has what is overdue" "$(jq -r '.overdue[] | select(.entity == "task") | .record.subject // .title' <<<"$OUT")" 高山
is "what is due" "$(jq -r '.due_today[] | .record.subject // .title' <<<"$OUT")" 流水
is "and the birthdays ahead" "$(jq -r '.birthdays[] | (.record.name // .title) + " " + .date' <<<"$OUT")" "新年 2030-01-20"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
