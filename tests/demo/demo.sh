#!/bin/bash
# The whole product once, on sample data: a private server in a scratch folder, two branches, two salespeople,
# imports, search, reminders pushed to the right person, a kill -9 in the middle of writes.
# It is the same code path as a user's. Ends with a summary and exit 0, or says what failed and exits 1.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../lib.sh"
DATA=$HERE/../data
BOLD= PLAIN=
[ -t 1 ] && BOLD=$'\e[1m' PLAIN=$'\e[0m'

step() { printf '\n%s%s%s\n' "$BOLD" "$1" "$PLAIN"; }
run() { # shows a command as a user types it, and its output
	printf '  $ guanxi %s\n' "${*:2}"
	as "$1" "${@:2}" 2>&1 | sed 's/^/    /'
	return "${PIPESTATUS[0]}"
}
must() { "$@" || { not_ok "demo: ${*:2}"; finish; }; }
finish() {
	[ "$FAILED" -gt 0 ] && head -n 5 "$DIR"/watch-*.err 2>/dev/null
	step "Summary"
	printf '  %d checks passed, %d failed, %d seconds\n' "$PASSED" "$FAILED" $SECONDS
	[ "$FAILED" -eq 0 ] && printf '  Everything was done over TLS by build/bin/guanxi against build/bin/guanxid.\n'
	[ "$FAILED" -eq 0 ]
	exit
}
newest() { as "$1" "$2" list --sort -id --limit 1 -o id -q; }
events() { grep -c "\"kind\": *\"reminder\"" "$DIR/watch-$1" 2>/dev/null; }
has_events() { [ "$(events "$1")" -ge "$2" ]; }
four_have_fired() { [ "$(as wang reminder count 'state = fired')" -eq 4 ]; }
enough_acknowledged() { [ "$(wc -l <"$DIR/acknowledged")" -ge 100 ]; }
watch_start() { # USER ARGUMENTS...: a connected watcher that writes jsonl
	as_background "$1" watch -o jsonl "${@:2}" >>"$DIR/watch-$1" 2>"$DIR/watch-$1.err"
	WATCHER=$!
}
show_events() { # without the record itself
	sed -E 's/^/    wang: /; s/,"record":\{.*/}/' "$DIR/watch-wang"
}
last_of() { # FIELD of wang's last event
	tail -n 1 "$DIR/watch-wang" | grep -o "\"$1\":[0-9]*" | head -n 1 | grep -o '[0-9]*$'
}

test_begin
step "1. A private server: empty store, private CA, certificates, loopback, a free port"
must server_init
set_clock 2026-11-23T00:30:00Z
must server_start --clock "$DIR/clock"
printf '  listening on %s, data in %s\n' "$ADDRESS" "$DIR/srv"
printf '  business time is moved by a test clock from here on (2026-11-23 08:30 in Shanghai)\n'
must login admin
must sessions_never_end # the test clock jumps by days

step "2. Two branches, a salesperson each, joined over TLS with the pin of the CA"
must run admin branch add code=hz name=杭州分公司
must run admin branch add code=cd name=成都分公司
for who in "wang hz 王芳" "li cd 李强"; do
	set -- $who
	must user_add "$1" sales "$2"
	as admin user set "$1" name="$3" >/dev/null 2>&1 || not_ok "name of $1"
	run "$1" whoami
done

step "3. Import: a GB18030 file of Excel on Chinese Windows, and Northwind with a mapping"
must run wang customer import "$DATA/customers-excel-zh.csv"
NORTHWIND=(--null NULL --map customerID=external_id --map companyName=name --map contactName=person_in_charge
	--map contactTitle=job_title --map region=province --map postalCode=postcode)
run li customer import "$DATA/northwind-customers.csv" "${NORTHWIND[@]}" --rejects "$DIR/rejects.csv"
is "24 Northwind addresses hold a comma without quotes: rejected, not guessed" "$?" 11
printf '  the rejects file keeps them with the reason; quotes around the addresses, and they go in as well\n'
awk -F, -v OFS=, 'NR == 1 { print } NR > 1 { $5 = "\"" $5 "," $6 "\""; print $1, $2, $3, $4, $5, $7, $8, $9, $10, $11, $12 }' \
	"$DIR/rejects.csv" | cut -d, -f1-12 | sed '1s/,[^,]*$//' >"$DIR/mended.csv"
must run li customer import "$DIR/mended.csv" "${NORTHWIND[@]}"
is "320 customers belong to Hangzhou" "$(as wang customer count)" 320
is "91 customers belong to Chengdu" "$(as li customer count)" 91

step "4. Contacts with a solar and a lunar birthday, an activity, a follow-up; finding customers"
must run wang add 杭州长城银行 phone=0571-86660001 city=杭州 province=浙江 industry=银行
CUSTOMER=$(newest wang customer)
must run wang contact add customer="$CUSTOMER" name=曾国强 birthday=1980-11-26 mobile=13800000001
must run wang contact add customer="$CUSTOMER" name=单雄飞 birthday=lunar:10-18
must run wang activity add customer="$CUSTOMER" activity_type=visit mode=喝茶 subject=初次拜访 place=西湖
must run wang task add customer="$CUSTOMER" subject=回访长城银行 due_on=2026-11-24
run wang search 长城
like "found by a Chinese substring" "$(as wang search 城银 -o tsv --no-header)" 杭州长城银行
like "found by pinyin" "$(as wang search yinhang -o tsv --no-header)" 杭州长城银行
like "found by initials" "$(as wang search hzcc -o tsv --no-header)" 杭州长城银行
like "a contact is found by the surname's reading" "$(as wang search shan -o tsv --no-header)" 单雄飞
must run wang customer list '城市 = 杭州 and 行业 in (机械制造, 银行)' --sort name --limit 5 --columns name,phone,industry
is "the other branch sees none of it" "$(as li search 长城 -o id)" ""
exits "and a record of the other branch does not exist for it" 3 as li customer show "$CUSTOMER"

step "5. Push: the right salesperson's client shows it at once, the other branch's does not"
watch_start wang && WANG_WATCH=$WATCHER
watch_start li
must wait_for 10 grep -q watching "$DIR/watch-wang.err"
must wait_for 10 grep -q watching "$DIR/watch-li.err"
printf '  the test clock goes to 2026-11-24 09:00 in Shanghai\n'
set_clock 2026-11-24T01:00:00Z
must wait_for 5 has_events wang 3
must wait_for 2 grep -q 回访长城银行 "$DIR/watch-wang"
show_events
is "the follow-up and two birthdays three days ahead reached Hangzhou" "$(events wang)" 3
is "nothing reached Chengdu" "$(events li)" 0
must run wang reminder ack "$(last_of id)"
LAST=$(last_of seq)
printf '  wang is cut off, a day passes, two birthdays come due, wang is back\n'
kill -9 "$WANG_WATCH" && wait "$WANG_WATCH" 2>/dev/null
: >"$DIR/watch-wang"
set_clock 2026-11-26T01:00:00Z
must wait_for 5 four_have_fired
watch_start wang --since "$LAST" && WANG_WATCH=$WATCHER
must wait_for 5 has_events wang 2
show_events
unlike "what was acknowledged does not come again" "$(cat "$DIR/watch-wang")" 回访长城银行
like "what was missed comes, marked late" "$(cat "$DIR/watch-wang")" '曾国强.*"late": *true|"late": *true.*曾国强'

step "6. The same on the real clock: a reminder three seconds ahead"
rm -f "$DIR/clock"
BEFORE=$(events wang)
WHEN=$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)
must run wang reminder snooze "$(last_of id)" "$WHEN"
must wait_for 10 has_events wang $((BEFORE + 1))
LATE=$(($(date +%s%3N) - $(date -d "$WHEN" +%s)000))
if [ "$LATE" -lt 1000 ]; then ok "it stood in the client's output $LATE ms after its due time"; else not_ok "it reached the client within a second" "$LATE ms after its due time"; fi
run wang today

step "7. kill -9 in the middle of writes; every acknowledged write is there afterwards"
for ((i = 0; i < 2000; i++)); do
	printf '{"op": "add", "entity": "customer", "set": {"name": "压力测试%d", "phone": "0571-%08d"}}\n' $i $i
done >"$DIR/batch"
as_background wang batch "$DIR/batch" >"$DIR/acknowledged" 2>/dev/null
BATCH=$!
must wait_for 10 enough_acknowledged
server_kill
wait $BATCH
SENT=$(grep -c '"id"' "$DIR/acknowledged")
must server_start
is "guanxid check is clean" "$("$BIN/guanxid" check -D "$DIR/srv" >"$DIR/check.out" 2>&1; echo $?)" 0
sed 's/^/    /' "$DIR/check.out"
must login wang
THERE=$(as wang customer count 'name ~ 压力测试')
printf '  acknowledged %s, there %s\n' "$SENT" "$THERE"
if [ "$SENT" -gt 0 ] && [ "$THERE" -ge "$SENT" ]; then ok "no acknowledged write is lost"; else not_ok "no acknowledged write is lost"; fi
finish
