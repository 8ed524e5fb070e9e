#!/bin/bash
# Dialling: the program gets the number, the call stands among the activities.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
server_start && login admin

id_of() { jq .id; }
C=$(as admin customer add name=杭州长河 phone=0571-88880000 fax=0571-88880009 -o json 2>/dev/null | id_of)
K=$(as admin contact add customer="$C" name=王明 mobile=13900000001 -o json 2>/dev/null | id_of)
N=$(as admin customer add name=无号 email=a@b.cn -o json 2>/dev/null | id_of)

exits "dial" 0 as admin customer dial "$C" --exec "cat >$DIR/number"
is "gives the program the number" "$(cat "$DIR/number")" 0571-88880000
is "writes down a call" "$(as admin activity list "customer = $C" -o jsonl | jq -c '[.activity_type, .phone_number, .automatic, .customer]')" "[\"call\",\"0571-88880000\",true,$C]"
is "that counts as contact" "$(as admin customer show "$C" -o json | jq -r '.last_contact_on != null')" true
exits "a number is chosen by its field" 0 as admin customer dial "$C" --field fax -o json
is "and told" "$(jq -r .number <<<"$OUT")" 0571-88880009
GUANXI_DIAL="cat >$DIR/number" exits "a contact's" 0 as admin contact dial "$K"
is "by the program of the environment" "$(cat "$DIR/number")" 13900000001
is "stands at the customer too" "$(as admin activity list "contact = $K" -o jsonl | jq -c '.customer')" "$C"
exits "a program that fails" 1 as admin customer dial "$C" --exec false
like "is told" "$ERR" "the dialling program failed"
CALLS=$(as admin activity count)
exits "no number" 6 as admin customer dial "$N"
like "is told too" "$ERR" "there is no number to call"
exits "a field that is none" 6 as admin customer dial "$C" --field name
as admin branch set 1 phone=0571-88880010 >/dev/null 2>&1
exits "what has no activities" 2 as admin branch dial 1 --field phone
exits "nobody" 3 as admin customer dial 99999
is "nothing is written then" "$(as admin activity count)" "$CALLS"
server_stop
test_end
