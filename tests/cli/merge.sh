#!/bin/bash
# Two records made one: nothing of either is lost, ids go on working, and taking it back gives both as they were.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
D=$BIN/guanxid

id_of() { jq .id; }
# every entered field of all that the merge can touch, in the trash too
everything() {
	for noun in customer contact activity task reminder; do
		as admin "$noun" export - --format jsonl 2>/dev/null | jq -S -c 'del(.version, .updated_at, .updated_by)'
		as admin "$noun" list --trash --all -o jsonl | jq -S -c 'del(.version, .updated_at, .updated_by)'
	done | sort
}

as admin branch add code=cd name=成都 >/dev/null 2>&1
K=$(as admin customer add name=杭州长河有限公司 phone=0571-88880000 city=杭州 tags=展会,老 annual_revenue=100 -o json | id_of)
O=$(as admin customer add name=长河公司 mobile=13800000001 city=宁波 tags=老,重点 member_card_number=M-1 remarks=另一份 -o json | id_of)
THIRD=$(as admin customer add name=下属厂 phone=0571-88880009 employer="$O" -o json | id_of)
K1=$(as admin contact add customer="$K" name=甲 mobile=13900000001 -o json | id_of)
O1=$(as admin contact add customer="$O" name=乙 mobile=13900000002 birthday=lunar:08-15 -o json | id_of)
O2=$(as admin contact add customer="$O" name=丙 mobile=13900000003 -o json | id_of)
A=$(as admin activity add customer="$O" subject=拜访 activity_type=visit -o json | id_of)
T=$(as admin task add customer="$O" subject=跟进 due_on=today+3d -o json | id_of)
R=$(as admin reminder add title=问候 record=customer:"$O" start_on=today+5d -o json | id_of)
GONE=$(as admin activity add customer="$O" subject=删掉的 -o json | id_of)
as admin activity delete "$GONE" -y >/dev/null 2>&1
NUMBER=$(as admin customer show "$O" -o json | jq -r .customer_number)
everything >"$DIR/before"

exits "a dry run changes nothing" 0 as admin customer merge "$K" "$O" --dry-run
everything >"$DIR/dry"
is "not a byte" "$(cmp "$DIR/before" "$DIR/dry" && echo same)" same
exits "with itself" 2 as admin customer merge "$K" "$K"
exits "with nothing" 3 as admin customer merge "$K" 99999
exits "an entity that is never merged" 2 as admin activity merge "$A" "$A"
exits "an unknown field to take" 6 as admin customer merge "$K" "$O" --take ctiy
like "is suggested" "$ERR" city

exits "merge" 0 as admin customer merge "$K" "$O" -o json
OP=$(grep -o 'guanxi undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
is "the value of the one that stays" "$(jq -r .city <<<"$OUT")" 杭州
is "what it lacked comes over" "$(jq -r '.mobile + " " + .remarks' <<<"$OUT")" "13800000001 另一份"
is "a unique value too" "$(jq -r .member_card_number <<<"$OUT")" M-1
is "lists hold both, each once" "$(jq -c '.tags | sort' <<<"$OUT")" "$(jq -cn '["展会","老","重点"] | sort')"
is "merged_ids names the other" "$(jq -c .merged_ids <<<"$OUT")" "[\"$O\"]"
is "contacts of both" "$(as admin contact list "customer = $K" -o json | jq '.items | length')" 3
is "exactly one primary" "$(as admin contact list "customer = $K and is_primary = yes" -o id)" "$K1"
is "its activity" "$(as admin activity show "$A" -o json | jq .customer)" "$K"
is "its task" "$(as admin task show "$T" -o json | jq .customer)" "$K"
is "any reference" "$(as admin reminder show "$R" -o json | jq -r .record)" "customer:$K"
is "the last visit counts" "$(as admin customer show "$K" -o json | jq -r .last_visit_on)" "$(date -u +%F)"
is "a reference between customers" "$(as admin customer show "$THIRD" -o json | jq .employer)" "$K"
is "and one in the trash" "$(as admin activity list --trash -o json | jq '[.items[] | select(.id == '"$GONE"') | .customer][0]')" "$K"
is "the old id means the survivor" "$(as admin customer show "$O" -o json | jq .id)" "$K"
like "and says so" "$(as admin customer show "$O" 2>&1 >/dev/null)" "merged"
is "so does the old number" "$(as admin customer show "$NUMBER" -o json | jq .id)" "$K"
is "it is found by the old id" "$(as admin customer list "merged_ids = $O" -o id)" "$K"
exits "a reference by the old id" 0 as admin activity add customer="$O" subject=later -o json
LATER=$(id_of <<<"$OUT")
is "goes to the survivor" "$(jq .customer <<<"$OUT")" "$K"
exits "the merged one is not restored" 5 as admin customer restore "$O"
exits "the history tells it" 0 as admin customer history "$K" -o json
is "as a merge" "$(jq -r '.items[0].kind' <<<"$OUT")" merge

as admin activity delete "$LATER" -y >/dev/null 2>&1
exits "a later change of what was merged" 0 as admin customer set "$K" mobile=13800000002
LATEST=$(grep -o 'guanxi undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
exits "stands against taking it back" 5 as admin undo "$OP"
exits "taken back itself" 0 as admin undo "$LATEST"
exits "merge again is refused" 2 as admin customer merge "$K" "$O"

D2=$(as admin customer add name=甲厂 phone=010-1000001 city=北京 -o json | id_of)
E2=$(as admin customer add name=乙厂 phone=010-1000002 city=天津 -o json | id_of)
P=$(as admin contact add customer="$E2" name=王 mobile=13711110001 -o json | id_of)
Q=$(as admin contact add customer="$E2" name=李 mobile=13711110002 -o json | id_of)
everything >"$DIR/before"
exits "--take turns a field around" 0 as admin customer merge "$D2" "$E2" --take city -o json
OP=$(grep -o 'guanxi undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
is "the other's value" "$(jq -r .city <<<"$OUT")" 天津
is "the rest stays" "$(jq -r .phone <<<"$OUT")" 010-1000001
exits "undo" 0 as admin undo "$OP"
everything >"$DIR/after"
is "gives both byte for byte" "$(diff "$DIR/before" "$DIR/after" && echo same)" same
is "the id is its own again" "$(as admin customer show "$E2" -o json | jq .id)" "$E2"
exits "undo of the undo" 0 as admin undo "$(as admin customer history "$E2" -o json | jq '.items[0].operation')"
is "merges again" "$(as admin customer show "$E2" -o json | jq .id)" "$D2"
exits "two contacts" 0 as admin contact merge "$P" "$Q"
is "are one" "$(as admin contact list "customer = $D2" -o id)" "$P"

user_add li sales cd
user_add zhao sales_mgr cd
exits "without the right" 4 as li customer merge "$D2" "$K"
exits "records of another branch are not there" 3 as zhao customer merge "$D2" "$K"
L=$(as li customer add name=李的客户 phone=028-1000001 -o json | id_of)
exits "nor is the other one" 3 as zhao customer merge "$L" "$K"
# A list of records of its own kind
as admin custom-field add entity=customer field=partners label_zh=伙伴 label_en=Partners type=refs refers_to=customer >/dev/null 2>&1
K=$(as admin customer add name=留下 phone=0571-87000001 -o json 2>/dev/null | jq .id)
G=$(as admin customer add name=并入 phone=0571-87000002 -o json 2>/dev/null | jq .id)
Z=$(as admin customer add name=伙伴 phone=0571-87000003 -o json 2>/dev/null | jq .id)
as admin customer set "$G" partners="$K,$Z" >/dev/null 2>&1
as admin customer set "$K" partners="$G" >/dev/null 2>&1
exits "two that name each other in lists are merged" 0 as admin customer merge "$K" "$G" -o json
is "the one that stays does not name itself" "$(jq -c .partners <<<"$OUT")" "[$Z]"

server_stop
exits "the store is sound" 0 "$D" check -D "$DIR/srv"
test_end
