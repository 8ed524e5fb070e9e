#!/bin/bash
# Somebody leaves: the account is closed at once, what it was in charge of goes over whole as one operation, and comes back as one.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin branch add code=sh name=上海 >/dev/null 2>&1
user_add wang sales hz && user_add zhao sales sh && user_add li sales_mgr hz

add() { as wang "$@" -o json 2>/dev/null | jq .id; }
C=$(add customer add name=杭州长河 phone=0571-81000000)
P=$(add contact add customer="$C" name=张三 mobile=13800000001)
L=$(add lead add name=线索 phone=0571-81000001 expected_amount=1)
O=$(add opportunity add customer="$C" name=机会 expected_amount=1)
T=$(add task add subject=待办 due_on=2030-01-01 customer="$C")
D=$(add task add subject=已办 due_on=2030-01-01 customer="$C" state=done)
R=$(add reminder add title=提醒 start_on=2030-01-01)
A=$(add activity add customer="$C" subject=拜访)
owner() { as admin user show "$(as admin "$1" show "$2" -o json | jq ".$3")" -o json | jq -r .username; }
owners() { echo "$(owner customer "$C" owner) $(owner contact "$P" owner) $(owner lead "$L" owner) $(owner opportunity "$O" owner) $(owner task "$T" assignee) $(owner task "$D" assignee) $(owner reminder "$R" user) $(owner activity "$A" owner)"; }
is "all is wang's" "$(owners)" "wang wang wang wang wang wang wang wang"

exits "without a reason nobody leaves" 2 as admin user offboard wang --to zhao -y
exits "nor without a successor" 2 as admin user offboard wang --reason 离职 -y
exits "nor by who may not" 4 as li user offboard wang --to zhao --reason 离职 -y
exits "nor to oneself" 2 as admin user offboard wang --to wang --reason 离职 -y
exits "nor to nobody" 3 as admin user offboard wang --to nobody --reason 离职 -y
exits "nor oneself" 5 as admin user offboard admin --to zhao --reason 离职 -y
exits "a dry run" 0 as admin user offboard wang --to zhao --reason 离职 --dry-run -o json
is "counts" "$(jq -c . <<<"$OUT")" '{"customer":1,"contact":1,"task":1,"reminder":1,"lead":1,"opportunity":1}'
is "and changes nothing" "$(owners)" "wang wang wang wang wang wang wang wang"

as_background wang watch >"$DIR/watch.out" 2>"$DIR/watch.err"
WATCH=$!
watching() { [ "$(as admin health -o json | jq .watchers)" != 0 ]; }
exits "wang leaves" 0 as admin user offboard wang --to zhao --reason 离职 -y
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
wait "$WATCH"
is "who was watching is out" "$?" 9
exits "and nothing is answered any more" 9 as wang customer list
exits "nor by a new login" 9 as wang login "$ADDRESS" -u wang --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"
is "what was in charge of wang is zhao's, what is done stays" "$(owners)" "zhao zhao zhao zhao zhao wang zhao wang"
is "with the branch" "$(as admin customer show "$C" -o json | jq .branch)" "$(as admin branch list 'code = sh' -o jsonl | jq .id)"
is "the account says so" "$(as admin user show wang -o json | jq -c '[.state, .left_on != null]')" '["left",true]'
exits "zhao sees it" 0 as zhao customer show "$C"
is "one operation, with its reason" "$(as admin customer history "$C" -o jsonl | head -n 1 | jq -c '[.operation, .reason]') $(as admin contact history "$P" -o jsonl | head -n 1 | jq -c .operation)" "[$OPERATION,\"离职\"] $OPERATION"
exits "nobody leaves twice" 5 as admin user offboard wang --to zhao --reason 离职 -y
exits "it is undone" 0 as admin undo "$OPERATION"
is "wholly" "$(owners)" "wang wang wang wang wang wang wang wang"
exits "and wang logs in" 0 as wang login "$ADDRESS" -u wang --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"

# More than one transaction holds
{ echo name,phone,owner && awk 'BEGIN { for (i = 1; i <= 600; i++) printf "公司%d,0571-83%06d,wang\n", i, i }'; } >"$DIR/many.csv"
as admin customer import "$DIR/many.csv" >/dev/null 2>&1
mine() { as admin customer count "owner = $(as admin user show "$1" -o json | jq .id)"; }
is "wang has many" "$(mine wang)" 601
exits "wang leaves with many" 0 as admin user offboard wang --to zhao --reason 离职 -y
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
is "all go over" "$(mine wang) $(mine zhao)" "0 601"
is "as one operation" "$(as admin operation show "$OPERATION" -o json | jq -c '[.kind, .record_count, .state, .reason]')" '["offboard",605,"done","离职"]'
exits "that is undone" 0 as admin undo "$OPERATION"
is "wholly" "$(mine wang) $(as admin user show wang -o json | jq -c .state)" '601 "active"'

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
