#!/bin/bash
# Days that change a record by themselves: contracts begin and end, prices become valid.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
set_clock 2026-11-20T08:00:00Z
server_start --clock "$DIR/clock" && login admin && sessions_never_end

id_of() { jq .id; }
status_of() { as admin contract show "$1" -o json | jq -r .status; }
price_of() { as admin product show "$1" -o json | jq -r .price; }
C=$(as admin customer add name=杭州长河 phone=0571-88880000 -o json 2>/dev/null | id_of)
K=$(as admin contract add customer="$C" title=年度合同 status=signed starts_on=2026-12-01 ends_on=2026-12-31 amount=1000 -o json 2>/dev/null | id_of)
D=$(as admin contract add customer="$C" title=草稿 status=draft starts_on=2026-12-01 ends_on=2026-12-31 amount=1 -o json 2>/dev/null | id_of)
P=$(as admin product add name=茶 product_number=T1 price=100 -o json 2>/dev/null | id_of)
as admin product-price add product="$P" valid_from=2026-12-01 price=120 >/dev/null 2>&1
as admin product-price add product="$P" valid_from=2027-01-01 price=150 >/dev/null 2>&1
is "before" "$(status_of "$K") $(price_of "$P")" "signed 100.00"
is "nobody is reminded of it" "$(as admin reminder list --planned -o jsonl | jq -r .date | grep -c 2026-12-01T00)" 0

set_clock 2026-11-30T15:59:00Z
as admin health >/dev/null
is "on the day before, too" "$(status_of "$K") $(price_of "$P")" "signed 100.00"
set_clock 2026-11-30T16:00:01Z

began() { [[ "$(status_of "$K") $(price_of "$P")" == "in_force 120.00" ]]; }
wait_for 60 began || :
is "at midnight of Shanghai both turn" "$(status_of "$K") $(price_of "$P")" "in_force 120.00"
is "a draft is a draft" "$(status_of "$D")" draft
is "the change stands in the history" "$(as admin contract history "$K" -o json | jq -c '[.items[0].kind, .items[0].user]')" '["set",0]'
is "a filter finds it" "$(as admin contract count 'status = in_force')" 1

# Down over the turn of the year; a date that is moved takes its day along.
as admin contract set "$K" ends_on=2026-12-30 >/dev/null 2>&1
server_stop
set_clock 2027-01-05T08:00:00Z
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
ended() { [[ "$(status_of "$K") $(price_of "$P")" == "ended 150.00" ]]; }
wait_for 60 ended || :
is "what was missed is made up for" "$(status_of "$K") $(price_of "$P")" "ended 150.00"
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
