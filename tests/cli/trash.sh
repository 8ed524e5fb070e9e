#!/bin/bash
# The trash: what lies there gives its unique values free, and comes back only while nobody else has taken them.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
D=$BIN/guanxid

id_of() { jq .id; }
sound() { # NAME
	exits "$1" 0 "$D" check -D "$DIR/srv"
}

# Import, undo, import again.
awk 'BEGIN { print "external_id,customer_number,name,phone"; for (i = 1; i <= 30; i++) printf "X%d,N%d,公司X%d,0571-86%06d\n", i, i, i, i }' >"$DIR/x.csv"
exits "import" 0 as admin customer import "$DIR/x.csv" -o json
FIRST=$(jq .operation <<<"$OUT")
exits "undo" 0 as admin undo "$FIRST"
exits "a dry run of the same file" 0 as admin customer import "$DIR/x.csv" --dry-run -o json
is "refuses no row" "$(jq -c '[.added, .rejected]' <<<"$OUT")" "[30,0]"
exits "the same file with a key" 0 as admin customer import "$DIR/x.csv" --key external_id --on-conflict update -o json
is "adds all of it" "$(jq -c '[.added, .updated, .rejected]' <<<"$OUT")" "[30,0,0]"
SECOND=$(jq .operation <<<"$OUT")
is "an external id finds the live one" "$(as admin customer show @external_id:X7 -o json | jq -c '[.external_id, .deleted_at]')" '["X7",null]'
is "so does a number" "$(as admin customer show N7 -o json | jq .id)" "$(as admin customer list 'external_id = X7' -o id)"
exits "the undo of the first undo" 5 as admin undo $((FIRST + 1))
like "names a record that has a value by now" "$ERR" '(external_id|customer_number) of customer "[0-9]+" is taken by customer "[0-9]+" by now'
exits "undo of the second" 0 as admin undo "$SECOND"
exits "now it goes" 0 as admin undo $((FIRST + 1))
is "and all are there again" "$(as admin customer count)" 30
exits "the file once more" 11 as admin customer import "$DIR/x.csv"
like "refuses every row" "$ERR" '30 rows were refused'
exits "a third import has nothing to do" 0 as admin customer import "$DIR/x.csv" --key external_id --on-conflict skip -o json

# A member card goes to another record, and back.
A=$(as admin customer add name=持卡人甲 phone=0571-87000001 member_card_number=M-1 -o json | id_of)
as admin customer delete "$A" -y >"$DIR/deleted" 2>&1
DELETED=$(grep -o 'guanxi undo [0-9]*' "$DIR/deleted" | grep -o '[0-9]*$')
B=$(as admin customer add name=持卡人乙 phone=0571-87000002 member_card_number=M-1 -o json | id_of)
like "the card of a deleted customer is free" "$B" '^[0-9]+$'
exits "restoring the first" 7 as admin customer restore "$A"
like "names the record that has the card" "$ERR" "member_card_number of customer \"$A\" is taken by customer \"$B\" by now"
exits "taking the delete back" 5 as admin undo "$DELETED"
like "names it too" "$ERR" "member_card_number of customer \"$A\" is taken by customer \"$B\" by now"
C=$(as admin contact add customer="$B" name=丙 external_id=k-1 mobile=13900000001 -o json | id_of)
exits "it is not there" 3 as admin customer show "$A"
as admin customer set "$B" member_card_number= >/dev/null 2>&1
exits "free again, it comes back" 0 as admin customer restore "$A"
exits "and has its card" 7 as admin customer set "$B" member_card_number=M-1

# Values of what goes along and comes back along.
as admin customer delete "$B" -y >/dev/null 2>&1
K=$(as admin contact add customer="$A" name=丁 external_id=k-1 mobile=13900000002 -o json | id_of)
exits "a child whose value was given away" 7 as admin customer restore "$B"
like "keeps its parent in the trash, by name" "$ERR" "external_id of contact \"$C\" is taken by contact \"$K\" by now"
is "nothing came back" "$(as admin customer list "id = $B" -o id)" ""

# A change that took a value away.
OP=$(as admin customer set "$A" customer_number=NEU -o json 2>&1 >/dev/null | grep -o 'undo [0-9]*' | grep -o '[0-9]*')
OLD=$(as admin customer history "$A" -o json | grep -o 'C0000[0-9]*' | head -n 1)
E=$(as admin customer add name=新来者 phone=0571-87000009 customer_number="$OLD" -o json | id_of)
exits "undo of a change whose old number is another's" 5 as admin undo "$OP"
like "says whose" "$ERR" "customer_number of customer \"$A\" is taken by customer \"$E\" by now"

# The number of a merged record names the survivor until a live one takes it.
S=$(as admin customer add name=留下的 phone=0571-87000011 -o json | id_of)
M=$(as admin customer add name=并入的 phone=0571-87000012 customer_number=OLD-1 -o json | id_of)
as admin customer merge "$S" "$M" >"$DIR/merged" 2>&1
MERGE=$(grep -o 'guanxi undo [0-9]*' "$DIR/merged" | grep -o '[0-9]*$')
is "the number of the merged one" "$(as admin customer show OLD-1 -o json 2>/dev/null | jq .id)" "$S"
printf 'customer_number,name,phone\nOLD-1,又来,0571-87000013\n' >"$DIR/m.csv"
exits "as the key of an import it is no new record" 11 as admin customer import "$DIR/m.csv" --key customer_number --on-conflict update
like "but says where it went" "$ERR" "merged into \"$S\""
L=$(as admin customer add name=后来者 phone=0571-87000014 customer_number=OLD-1 -o json | id_of)
is "a live record takes it" "$(as admin customer show OLD-1 -o json | jq .id)" "$L"
exits "the merge cannot be taken back meanwhile" 5 as admin undo "$MERGE"
like "because of it" "$ERR" "customer_number of customer \"$M\" is taken by customer \"$L\" by now"
as admin customer delete "$L" -y >/dev/null 2>&1
is "deleted, it gives the name back" "$(as admin customer show OLD-1 -o json 2>/dev/null | jq .id)" "$S"
exits "and the merge goes back" 0 as admin undo "$MERGE"
is "with its number" "$(as admin customer show OLD-1 -o json | jq .id)" "$M"

# Who does not see the record that has the value is not told its id.
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin branch add code=cd name=成都 >/dev/null 2>&1
user_add li sales hz
user_add zhao sales cd
Q=$(as li customer add name=李的 phone=0571-87000021 external_id=q-1 -o json | id_of)
as li customer delete "$Q" -y >/dev/null 2>&1
W=$(as zhao customer add name=赵的 phone=028-87000022 external_id=q-1 -o json | id_of)
like "another branch takes the value" "$W" '^[0-9]+$'
exits "restore" 7 as li customer restore "$Q"
like "tells no id of it" "$ERR" "external_id of customer \"$Q\" is taken by another customer by now"
unlike "at all" "$ERR" "\"$W\""

sound "check finds nothing"
server_stop
sound "nor does it afterwards"
test_end
