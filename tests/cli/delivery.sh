#!/bin/bash
# Delivery and its proof: who stands in, the story of a reminder, outlets that fail.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-23T00:30:00Z # 08:30 in Shanghai
server_start --clock "$DIR/clock"
login admin
sessions_never_end
user_add li sales main
user_add wang sales main
LI=$(as admin user list 'username = li' -o id)
exits "somebody is away" 0 as admin user set "$LI" deputy=wang deputy_until=2026-11-30

watch_as() { # USER ARGUMENTS... : events in $DIR/USER
	local user=$1
	shift
	as_background "$user" watch -o jsonl "$@" >"$DIR/$user" 2>"$DIR/$user.err"
	wait_for 60 grep -q watching "$DIR/$user.err"
}
mkdir -p "$DIR/bin"
printf '#!/bin/sh\nprintf "%%s|" "$@" >>"%s/notified"\n' "$DIR" >"$DIR/bin/notify-send"
chmod +x "$DIR/bin/notify-send"
PATH="$DIR/bin:$PATH" watch_as li --exec "cat >>'$DIR/li.exec'; exit 3" --notify
watch_as wang
exits "a reminder for the one who is away" 0 as li reminder add title=电话 start_on=2026-11-23 time_of_day=09:00
R=$(jq -r .id <<<"$(as li reminder list 'title = 电话' -o jsonl)")
set_clock 2026-11-23T01:00:00Z
wait_for 60 grep -q 电话 "$DIR/li"
wait_for 60 grep -q 电话 "$DIR/wang"
is "comes to both" "$(cat "$DIR/li" "$DIR/wang" | jq -r .title | tr '\n' ' ')" "电话 电话 "
wait_for 60 grep -q failed "$DIR/li.err"
is "--exec has the event on its standard input" "$(jq -r .title "$DIR/li.exec")" 电话
like "a command that fails is told" "$(cat "$DIR/li.err")" 'the command of --exec failed'
wait_for 60 grep -q 电话 "$DIR/notified"
like "the desktop is told" "$(cat "$DIR/notified")" '^--app-name=guanxi\|--\|电话\|'
is "and the reminder waits on" "$(as li today -o json | jq -r '.waiting_for_me[].title')" 电话
exits "whoever stands in acknowledges" 0 as wang reminder ack "$R"
wait_for 60 grep -q cleared "$DIR/li"
wait_for 60 grep -q cleared "$DIR/wang"
is "for both" "$(cat "$DIR/li" "$DIR/wang" | jq -r 'select(.kind == "cleared") | .id' | tr '\n' ' ')" "$R $R "
as admin user set "$LI" deputy_until=2026-11-22 >/dev/null 2>&1

story() { as "${2:-li}" reminder audit "$1" -o jsonl | jq -r '.kind + " " + (.user // "")' | tr '\n' ','; }
two_sent() { [ "$(story "$R" | grep -o sent | wc -l)" = 2 ]; }
wait_for 60 two_sent
is "the story of a reminder" "$(story "$R" | sed 's/,$//')" "planned li,fired li,waits li,waits wang,sent li,sent wang,acknowledged wang"
is "names the sessions" "$(as li reminder audit "$R" -o jsonl | jq -s '[.[] | select(.kind == "sent") | .session] | unique | length')" 2
is "and when it was due" "$(as li reminder audit "$R" -o jsonl | jq -r 'select(.kind == "waits") | .due' | sort -u)" 2026-11-23T01:00:00Z
exits "as a table" 0 as li reminder audit "$R"
exits "of another user's it is not there" 3 as wang reminder audit 999
user_add zhao sales main
exits "nor for somebody else" 3 as zhao reminder audit "$R"

OUT=$(as admin health -o json 2>/dev/null) # its exit tells of the machine's disk too
is "counts what waits there" "$(jq -r '."branch.main.reminders_unacknowledged"' <<<"$OUT")" 0
is "and says when the last fired" "$(jq -r '."branch.main.reminder_last_fired"' <<<"$OUT")" 2026-11-23T01:00:00Z
is "a salesperson reads of no branch" "$(as li health -o json | jq 'keys[] | select(startswith("branch."))' | wc -l)" 0

for i in $(seq 1 510); do printf '{"op": "add", "entity": "reminder", "set": {"title": "r%d", "start_on": "2026-11-24", "time_of_day": "09:00"}}\n' "$i"; done |
	as zhao batch - >/dev/null 2>&1
set_clock 2026-11-24T01:00:00Z
nothing_due() { [ "$(as admin health -o json | jq -r '.now + .reminders_due_now')" = 2026-11-24T01:00:00Z0 ]; }
wait_for 60 nothing_due
set_clock 2026-11-26T01:00:00Z
as zhao watch --count 500 -o jsonl >"$DIR/zhao" 2>"$DIR/zhao.err"
is "whoever was away gets the newest 500, in order" "$(jq -r .title "$DIR/zhao" | sort -V | sed -n '1p;$p' | tr '\n' ' ')$(jq .seq "$DIR/zhao" | sort -nc && echo ordered)" "r11 r510 ordered"
like "and is told how many more wait" "$(cat "$DIR/zhao.err")" '10 older reminders wait too'
as zhao watch --count 500 --since 1 -o jsonl >"$DIR/zhao" 2>"$DIR/zhao.err"
is "also who names an old number" "$(wc -l <"$DIR/zhao") $(grep -c '10 older' "$DIR/zhao.err")" "500 1"
test_end
