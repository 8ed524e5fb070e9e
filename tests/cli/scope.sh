#!/bin/bash
# A branch sees its own rows and no others: get, list, count, search, export, references, history, undo, events.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-24T00:00:00Z
server_start --clock "$DIR/clock"
login admin
sessions_never_end
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin branch add code=cd name=成都 >/dev/null 2>&1
user_add wang sales hz
user_add li sales cd
H=$(as wang add 杭州长河 phone=0571-88880000 city=杭州 -o id 2>"$DIR/err")
OPERATION=$(grep -o 'undo [0-9]*' "$DIR/err" | grep -o '[0-9]*')
S=$(as li add 成都天府 phone=028-88880000 city=成都 -o id 2>/dev/null)
HC=$(as wang contact add customer="$H" name=曾国强 birthday=1980-11-24 -o id 2>/dev/null)
as li contact add customer="$S" name=李四 -o id >/dev/null 2>&1

is "the owner is the creator" "$(as wang customer show "$H" -o json | jq .owner)" "$(as wang whoami -o json | jq .user)"
exits "show of a foreign customer is not found" 3 as li customer show "$H"
FOREIGN=$ERR
exits "as is one that does not exist" 3 as li customer show 99999
is "with the same text" "${FOREIGN//$H/N}" "${ERR//99999/N}"
exits "a foreign contact" 3 as li contact show "$HC"
exits "foreign history" 3 as li customer history "$H"
exits "foreign set" 3 as li customer set "$H" city=x
exits "foreign delete" 3 as li customer delete "$H" -y
exits "foreign undo" 3 as li undo "$OPERATION"
printf '{"op":"record.set","entity":"customer","record":"%s","set":{"city":"绵阳"},"arg":{"operation":"%s"}}\n' "$S" "$OPERATION" >"$DIR/join"
is "nor does a change join a foreign operation" "$(as li batch "$DIR/join" | jq -r .status)" denied
is "list" "$(as li customer list -o id)" "$S"
is "count" "$(as li customer count)" 1
is "count by city" "$(as li customer count --by city -o tsv --no-header | cut -f1)" 成都
is "contacts follow their customer" "$(as li contact list -o jsonl | jq -r .name)" 李四
is "search" "$(as li search 长河 -o id)" ""
is "search by pinyin" "$(as li search changhe -o id)" ""
is "a filter through a reference" "$(as li contact list 'customer.name ~ 长河' -o id)" ""
is "a filter on the id" "$(as li customer list "id = $H" -o id)" ""
exits "a reference to a foreign record" 6 as li contact add customer="$H" name=x
exits "a look-up by name" 6 as li contact add customer=@name:杭州长河 name=x
unlike "tells nothing of it" "$ERR" "$H"
is "export" "$(as li customer export - --format jsonl | jq -r .name)" 成都天府
is "the administrator sees all" "$(as admin customer count)" 2
exits "a salesperson may not make users" 4 as wang user add username=x name=x roles=admin branch=hz
exits "nor roles" 4 as wang role add code=x label_zh=x scope=all rights=\*
printf 'code,name\nx,x\n' >"$DIR/branches.csv"
exits "nor import what the role does not grant" 4 as wang branch import "$DIR/branches.csv"

exits "a transfer to the other branch" 0 as admin customer set "$H" owner=li branch=cd
is "takes it from the old owner" "$(as wang customer count)" 0
is "its contact too" "$(as wang contact count)" 0
is "and gives both to the new one" "$(as li customer count) $(as li contact count)" "2 2"
as_background li watch -o jsonl --count 1 >"$DIR/li" 2>"$DIR/li.err"
LI=$!
as_background wang watch -o jsonl >"$DIR/wang" 2>"$DIR/wang.err"
wait_for 60 grep -q watching "$DIR/li.err"
wait_for 60 grep -q watching "$DIR/wang.err"
set_clock 2026-11-24T01:00:00Z
wait $LI
like "the birthday reaches the new owner" "$(cat "$DIR/li")" 曾国强
as wang whoami >/dev/null
is "and not the old one" "$(cat "$DIR/wang")" ""
as admin customer set "$H" owner= branch=hz >/dev/null 2>&1
is "a customer without owner stands in its branch's pool" "$(as wang customer list -o id) $(as li customer list -o id)" "$H $S"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
