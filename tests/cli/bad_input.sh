#!/bin/bash
# What a clumsy user types: wrong values of every type, broken CSV files, nasty names, pipes that close. Each is stored as it was
# meant or refused in words; nothing is guessed, cut or garbled, and no escape sequence reaches a terminal.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
ESC=$'\x1b'
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin team add name=一组 branch=hz >/dev/null 2>&1
C=$(as admin customer add name=杭州长河 phone=0571-88880000 -o id 2>/dev/null)
T=$(as admin task add customer="$C" subject=x due_on=2027-01-10 -o id 2>/dev/null)
A=$(as admin activity add customer="$C" subject=x -o id 2>/dev/null)
R=$(as admin reminder add title=x start_on=2027-01-01 -o id 2>/dev/null)

# Values: entity, id, field, what is typed, what jq shows of it ("!": refused).
while IFS='|' read -r entity id field typed wanted; do
	[ -z "$entity" ] && continue
	id=${!id}
	if [ "$wanted" = ! ]; then
		exits "$field refuses $typed" 6 as admin "$entity" set "$id" "$field=$typed"
		like "and names it" "$ERR" "$field"
	else
		exits "$field takes $typed" 0 as admin "$entity" set "$id" "$field=$typed" -o json
		is "as it is" "$(jq -c ".$field" <<<"$OUT")" "$wanted"
	fi
done <<'TABLE'
customer|C|annual_revenue|1234.5|"1234.50"
customer|C|annual_revenue|1,234.50|"1234.50"
customer|C|annual_revenue|-0.01|"-0.01"
customer|C|annual_revenue|1.234|!
customer|C|annual_revenue|1e5|!
customer|C|annual_revenue|12万|!
customer|C|annual_revenue|99999999999999999999|!
customer|C|annual_revenue|NaN|!
customer|C|annual_revenue|1.2.3|!
customer|C|employee_count|12|12
customer|C|employee_count|007|7
customer|C|employee_count|1.0|1
customer|C|employee_count|1.5|!
customer|C|employee_count|0x10|!
customer|C|employee_count|9223372036854775808|!
customer|C|employee_count|twelve|!
activity|A|unplanned|maybe|!
customer|C|archived|是|true
customer|C|archived|no|false
customer|C|archived|2|!
customer|C|grade|vip|"vip"
customer|C|grade|best|!
customer|C|phone|0571-8888 0000转12|"0571-8888 0000转12"
customer|C|phone|1.38E+10|!
customer|C|phone|12|!
customer|C|phone|abc|!
customer|C|phone|123456789012345678901|!
customer|C|email|王@例子.中国|"王@例子.中国"
customer|C|email|a b@c.de|!
customer|C|email|@@c.de|!
customer|C|email|a@|!
customer|C|homepage|https://例子.中国/路?q=1|"https://例子.中国/路?q=1"
customer|C|homepage|javascript:alert(1)|!
customer|C|homepage|http://|!
customer|C|birthday|02-29|"02-29"
customer|C|birthday|lunar:1987-L06-01|"lunar:1987-L06-01"
customer|C|birthday|lunar:1986-L06-01|!
customer|C|birthday|lunar:13-01|!
customer|C|birthday|1987-02-29|!
customer|C|birthday|1987-13-01|!
customer|C|birthday|07/26/1987|!
customer|C|birthday|19870726x|!
customer|C|tags|重点, 新；老|["重点","新","老"]
customer|C|owner|admin|1
customer|C|owner|nobody|!
customer|C|owner|-1|!
customer|C|name||!
task|T|due_on|2028-02-29|"2028-02-29"
task|T|due_on|2026年1月5日|"2026-01-05"
task|T|due_on|2027-02-29|!
task|T|due_on|01/05/2026|!
task|T|due_on|0000-00-00|!
task|T|due_on|morgen|!
task|T|due_time|09:30|"09:30"
task|T|due_time|9:30|!
task|T|due_time|24:00|!
task|T|due_time|9|!
task|T|customer|99999|!
activity|A|started_at|2026-11-21T08:00:00+08:00|"2026-11-21T00:00:00Z"
activity|A|started_at|2026-11-21T25:00:00Z|!
activity|A|started_at|yesterday-ish|!
activity|A|duration_minutes|90|90
activity|A|duration_minutes|90 min|!
activity|A|departments_informed|一组|[1]
activity|A|departments_informed|一组,九组|!
reminder|R|days_before|7,1,0|[7,1,0]
reminder|R|days_before|7,x|!
reminder|R|record|customer:1|"customer:1"
reminder|R|record|customer|!
reminder|R|record|nosuch:1|!
reminder|R|repeat|sometimes|!
TABLE
exits "a file that is not there" 2 as admin customer set "$C" remarks=@/nonexistent
like "is named" "$ERR" /nonexistent
printf 'a\xffb' >"$DIR/binary"
exits "a file that is no text" 6 as admin customer set "$C" remarks=@"$DIR/binary"
exits "the same field twice" 6 as admin customer set "$C" city=a city=b
exits "an argument without =" 2 as admin customer set "$C" city
exits "an empty field name" 2 as admin customer set "$C" =x
exits "no field at all" 2 as admin customer set "$C"
exits "an id that is none" 3 as admin customer show abc
exits "an empty filter" 0 as admin customer list ''
exits "a filter cut short" 2 as admin customer list 'city ='
exits "an unknown output" 2 as admin customer list -o xml
exits "a limit that is none" 2 as admin customer list --limit many
exits "a column that is none" 2 as admin customer list --columns name,nosuch
exits "no such server" 8 as admin -s 127.0.0.1:1 customer list
exits "a host that does not resolve" 8 as admin -s nosuch.invalid:1 customer list
for words in "customer list 'x${ESC}]0;title'" "customer show $ESC[31mx" "$ESC[31m list" "customer add na${ESC}[2Jme=x" "customer list --sort $ESC[2J" \
	"customer import /tmp/no${ESC}[31m" "customer list -o $ESC[1m" "search $ESC[5m" "customer list name=$ESC[31m" "$ESC"; do
	eval "set -- $(printf '%q ' $words)"
	exits "an escape sequence in $(printf %q "$words")" "$(as admin "$@" >/dev/null 2>&1; echo $?)" as admin "$@"
	unlike "is not sent back to the terminal" "$OUT$ERR" "$ESC"
done

# CSV files that a spreadsheet, a script or bad luck makes.
csv() { # csv NAME EXIT ROWS-IN CONTENT(printf)
	local before
	before=$(as admin customer count)
	printf "$4" >"$DIR/acid.csv"
	exits "csv: $1" "$2" as admin customer import "$DIR/acid.csv" --force --reason acid
	is "csv: $1: rows" "$(($(as admin customer count) - before))" "$3"
	unlike "csv: $1: no garbled word" "$ERR" $'\xef\xbf\xbd'
}
csv "mixed line ends" 11 2 'name,phone\r\n甲1,0571-1111111\n甲2,0571-1111111\r甲3,0571-1111111\r\n甲4,0571-1111111'
csv "a NUL" 11 1 'name,phone\n乙\0one,0571-1111111\n乙2,0571-1111111\n'
csv "an empty file" 6 0 ''
csv "only a mark" 6 0 '\xef\xbb\xbf'
csv "only a header" 0 0 'name,phone\n'
csv "the same column twice" 6 0 'name,phone,name\n丙,0571-1111111,丙\n'
csv "a column without name" 0 1 'name,phone,\n丙,0571-1111111,\n'
csv "a mark inside" 0 2 'name,phone\n\xef\xbb\xbf丁,0571-1111111\n丁2,0571-1111111\n'
csv "quotes in the middle" 11 1 'name,phone\n戊 "五" 号,0571-1111111\n"戊""六""",0571-1111111\n'
is "a quoted one stands as it was" "$(as admin customer list 'name ~ 戊' -o jsonl | jq -r .name)" '戊"六"'
csv "a line end in quotes" 11 1 'name,phone\n"己\n二",0571-1111111\n己3,0571-1111111\n'
csv "semicolons" 0 1 'name;phone\n庚;0571-1111111\n'
csv "leading zeros" 0 1 'name,phone,postcode\n辛,0571-1111111,010020\n'
is "stay" "$(as admin customer list 'name = 辛' -o jsonl | jq -r .postcode)" 010020
csv "a phone that a spreadsheet has made a number" 11 0 'name,phone\n壬,1.38E+10\n'
csv "fewer cells" 11 0 'name,phone,city\n癸,0571-1111111\n癸2\n'
csv "no text at all" 6 0 '\x00\x01\x02\xff\xfe\x80'
{ printf 'name,phone,remarks\n大,0571-1111111,'; head -c 1048576 /dev/zero | tr '\0' x; printf '\n大2,0571-7711111,y\n'; } >"$DIR/mega.csv"
exits "csv: a megabyte in one cell" 11 as admin customer import "$DIR/mega.csv"
is "csv: rejects its row only" "$(as admin customer list 'name in (大, 大2)' -o jsonl | jq -r .name)" 大2
{ printf 'name,phone\n长,0571-1111111'; head -c 300000 /dev/zero | tr '\0' ,; printf '\n长2,0571-7722222\n'; } >"$DIR/wide.csv"
exits "csv: a row of 300,000 cells" 11 as admin customer import "$DIR/wide.csv"
is "csv: rejects itself only" "$(as admin customer list 'name in (长, 长2)' -o jsonl | jq -r .name)" 长2
exits "a folder" 1 as admin customer import "$DIR"
is "jsonl with a broken line" "$(printf '{"name":"行","phone":"0571-7733333"}\n{"name":\n[1]\n' | as admin customer add --json - >/dev/null 2>&1; echo $?)" 6

# Names: what goes in comes out, or does not go in.
python3 - "$DIR/names" "$DIR/names.jsonl" <<'PY'
import json, sys
names = [json.loads(line) for line in open("tests/data/nasty-strings.jsonl")]
json.dump(names, open(sys.argv[1], "w"))
with open(sys.argv[2], "w") as out:
    for name in names:
        print(json.dumps({"op": "add", "entity": "customer", "set": {"name": name, "phone": "0571-1212121"},
            "arg": {"force": "yes"}, "reason": "names"}), file=out)
PY
as admin batch "$DIR/names.jsonl" -o jsonl >"$DIR/answers" 2>"$DIR/err"
is "every nasty name is answered" "$(wc -l <"$DIR/answers")" "$(wc -l <"$DIR/names.jsonl")"
as admin customer list 'phone = 0571-1212121' --all -o jsonl >"$DIR/listed"
as admin customer export "$DIR/out.jsonl" 'phone = 0571-1212121' --format jsonl >/dev/null 2>&1
python3 - "$DIR" >"$DIR/verdict" <<'PY'
import json, sys
d = sys.argv[1]
names = json.load(open(d + "/names"))
answers = [json.loads(line) for line in open(d + "/answers")]
listed = {r["id"]: r["name"] for r in map(json.loads, open(d + "/listed"))}
exported = [r["name"] for r in map(json.loads, open(d + "/out.jsonl"))]
taken = 0
for name, answer in zip(names, answers):
    if answer["status"] == "ok":
        taken += 1
        back = answer["record"]["name"]
        number = answer["record"]["id"]
        if back != name.strip(" \u3000") or listed[number] != back or back not in exported:
            print("not the same:", ascii(name), ascii(back), ascii(listed[number]))
    elif answer["status"] != "invalid" or "name" not in answer["error"]["message"]:
        print("badly refused:", ascii(name), answer)
print(taken)
PY
like "each comes back as it went in, or is refused by name" "$(cat "$DIR/verdict")" '^[0-9]+$'
like "most of them go in" "$(cat "$DIR/verdict")" '^[3-5][0-9]$'
as admin customer list 'phone = 0571-1212121' --all -o table >"$DIR/table" 2>&1
is "a table holds no control character" "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$DIR/table")" 0
is "and one line a record" "$(wc -l <"$DIR/table")" "$(($(wc -l <"$DIR/listed") + 1))"
is "so does tsv" "$(as admin customer list 'phone = 0571-1212121' --all -o tsv --no-header | wc -l)" "$(wc -l <"$DIR/listed")"
as admin customer export "$DIR/out.csv" 'phone = 0571-1212121' >/dev/null 2>&1
is "csv goes round" "$(python3 -c 'import csv,sys; print(sum(1 for _ in csv.reader(open(sys.argv[1], encoding="utf-8-sig", newline=""))))' "$DIR/out.csv")" "$(($(wc -l <"$DIR/listed") + 1))"
as admin customer list 'phone = 0571-1212121' --all -o jsonl | head -n 1 >"$DIR/first"
is "a closed pipe ends the list" "$(wc -l <"$DIR/first")" 1
exits "output to a full device is an error" 1 sh -c "GUANXI_CONFIG_DIR='$DIR/profile-admin' '$BIN/guanxi' customer list --all -o jsonl >/dev/full"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
