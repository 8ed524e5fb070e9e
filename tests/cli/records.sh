#!/bin/bash
# Records: add, show, set, delete, restore, history, undo, versions and conflicts, every bad field at once.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

exits "add" 0 as admin customer add name=杭州长河有限公司 phone=0571-88880000 city=杭州 行业=化工 annual_revenue=1,234.50 tags=展会,新 -o json
C=$(jq .id <<<"$OUT")
is "money is a decimal string" "$(jq -r .annual_revenue <<<"$OUT")" 1234.50
is "a choice prints its code" "$(jq -r .industry <<<"$OUT")" chemical
is "tags are an array" "$(jq -c .tags <<<"$OUT")" '["展会","新"]'
is "defaults are filled" "$(jq -r '.status + " " + .grade + " " + .kind + " " + .country' <<<"$OUT")" "potential normal company 中国"
like "a number is given" "$(jq -r .customer_number <<<"$OUT")" '^C[0-9]{6}$'
like "the undo is told on stderr" "$ERR" 'guanxi undo [0-9]+'
exits "a 4-byte character and an emoji come back" 0 as admin customer add name=𠮷野家🍜 phone=021-11112222 -o json
is "unchanged" "$(jq -r .name <<<"$OUT")" 𠮷野家🍜
NUMBER=$(as admin customer show "$C" -o json | jq -r .customer_number)
is "the number works as an id" "$(as admin customer show "$NUMBER" -o json | jq .id)" "$C"
is "so does a name that is unambiguous" "$(as admin customer show @name:杭州长河有限公司 -o json | jq .id)" "$C"

exits "every bad field is named at once" 6 as admin customer add kind=person email=x postcode=12 phone=abc annual_revenue=1.234 -o json
is "in one answer" "$(jq -r '.error.fields[].field' <<<"$ERR" | sort | tr '\n' ' ')" "annual_revenue email name phone postcode "
is "with its code" "$(jq -r .error.code <<<"$ERR")" invalid
exits "a company without a way of contact" 6 as admin customer add name=无联系方式
exits "an unknown field is suggested" 6 as admin customer add name=x phnoe=0571-1
like "by name" "$ERR" 'phone'
exits "an unknown choice names the allowed ones" 6 as admin activity add customer="$C" subject=x mode=外星
like "by code" "$ERR" 'dinner'
exits "a computed field is refused" 6 as admin customer set "$C" receivable_balance=5
exits "a reference to a record that is not there" 6 as admin activity add customer="$C" subject=x lead=1
like "says so" "$ERR" 'lead is not a known lead'
exits "status lost needs a reason" 6 as admin customer set "$C" status=lost
exits "and works with one" 0 as admin customer set "$C" status=lost loss_reason=price
exits "a record that is not there" 3 as admin customer show 99999
exits "nor one of that name" 3 as admin customer show @name:没有
like "is told by what was asked for" "$ERR" 'there is no customer "@name:没有"'
exits "a reference to nothing" 6 as admin contact add customer=99999 name=x
like "is a sentence with the field" "$ERR" 'customer is not a known customer'
exits "an unknown command is suggested" 2 as admin customer lsit
like "by name" "$ERR" 'list'

V=$(as admin customer show "$C" -o json | jq .version)
exits "set with the version" 0 as admin customer set "$C" phone=0571-88880001 --if-version "$V"
exits "another field from the same version" 0 as admin customer set "$C" city=宁波 --if-version "$V"
exits "the same field from the same version is a conflict" 5 as admin customer set "$C" phone=0571-88880002 --if-version "$V" -o json
is "both values are told" "$(jq -r '.error.fields[0] | .current + " " + .yours' <<<"$ERR")" "0571-88880001 0571-88880002"
exits "the same value again changes nothing" 0 as admin customer set "$C" city=宁波
V2=$(as admin customer show "$C" -o json | jq .version)
as admin customer set "$C" city=宁波 >/dev/null 2>&1
is "not even the version" "$(as admin customer show "$C" -o json | jq .version)" "$V2"
exits "clearing" 0 as admin customer set "$C" city= -o json
is "takes the field away" "$(jq 'has("city")' <<<"$OUT")" false
exits "tags are added and removed" 0 as admin customer set "$C" tags=+重点,-新 -o json
is "one by one" "$(jq -c .tags <<<"$OUT")" '["展会","重点"]'

exits "history" 0 as admin customer history "$C" -o json
is "has every change" "$(jq '[.items[] | select(.kind == "set")] | length' <<<"$OUT")" 5
is "with old and new" "$(jq -c '[.items[].changes.city | values | [.old, .new]][0]' <<<"$OUT")" '["宁波",null]'

exits "contacts: the first is primary" 0 as admin contact add customer="$C" name=曾国强 -o json
A=$(jq .id <<<"$OUT")
is "by itself" "$(jq .is_primary <<<"$OUT")" true
B=$(as admin contact add customer="$C" name=王五 -o json 2>/dev/null | jq .id)
exits "naming another moves the flag" 0 as admin contact set "$B" is_primary=yes
is "from the first" "$(as admin contact show "$A" -o json | jq .is_primary)" false
exits "clearing the only primary is refused" 6 as admin contact set "$B" is_primary=no
exits "delete asks for -y without a terminal" 2 as admin contact delete "$B"
exits "delete" 0 as admin contact delete "$B" -y
is "moves the flag to the oldest" "$(as admin contact show "$A" -o json | jq .is_primary)" true

exits "an activity" 0 as admin activity add customer="$C" activity_type=visit subject=拜访 mode=打球 activity_date=2026-11-20
is "moves the date of the last visit" "$(as admin customer show "$C" -o json | jq -r '.last_contact_on + " " + .last_visit_on')" "2026-11-20 2026-11-20"
as admin task add customer="$C" subject=回访 due_on=2027-01-10 >/dev/null 2>&1
is "a task is the next follow-up" "$(as admin customer show "$C" -o json | jq -r .next_follow_up_on)" 2027-01-10

exits "delete a customer" 0 as admin customer delete "$C" -y
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
exits "it is gone" 3 as admin customer show "$C"
is "its children too" "$(as admin contact count)" 0
is "the trash has it" "$(as admin customer list --trash -o id)" "$C"
exits "restore" 0 as admin customer restore "$C"
is "brings back what the deletion took" "$(as admin contact list -o id)" "$A"
exits "delete again" 0 as admin customer delete "$C" -y
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
exits "undo" 0 as admin undo "$OPERATION"
is "brings it back as well" "$(as admin customer show "$C" -o json | jq .id)" "$C"
as admin customer set "$C" city=温州 >/dev/null 2>"$DIR/err"
OPERATION=$(grep -o 'undo [0-9]*' "$DIR/err" | grep -o '[0-9]*')
as admin customer set "$C" city=嘉兴 >/dev/null 2>&1
exits "undo is refused when a later change depends on it" 5 as admin undo "$OPERATION"
exits "days in which an operation can be undone" 0 as admin setting set undo.days value=0
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
exits "count" 5 as admin undo "$OPERATION"
exits "and are a setting" 0 as admin setting set undo.days value=30
exits "a dry run of many checks each at the server" 11 as admin customer set --where 'id > 0' phone=abc --dry-run
exits "or tells how many" 0 as admin customer set --where 'id > 0' remarks=一起 --dry-run -o json
is "would change" "$OUT $(as admin customer count 'remarks is empty')" '{"operation":null,"changed":2,"ids":[2,1]} 2'
exits "many at once" 0 as admin customer set --where 'id > 0' remarks=一起 -y -o json
is "are one operation" "$(jq -c 'keys' <<<"$OUT") $(jq .changed <<<"$OUT") $(grep -c undo: <<<"$ERR")" '["changed","operation"] 2 1'
exits "that is undone" 0 as admin undo "$(jq .operation <<<"$OUT")"
is "as one" "$(as admin customer count 'remarks is empty')" 2
exits "a dry run" 0 as admin customer add name=试 phone=0571-99998888 --dry-run
is "changes nothing" "$(as admin customer count)" 2
exits "the same idempotency key" 0 as admin customer add name=一次 phone=0571-77776666 --idempotency-key k1 -o id
FIRST=$OUT
exits "answers the same" 0 as admin customer add name=一次 phone=0571-77776666 --idempotency-key k1 -o id
is "record" "$OUT" "$FIRST"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
