#!/bin/bash
# What filters can ask: references, saved filters, groups; who may ask only exactly; how a plan is shown; pages and totals.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=hz name=杭州 >/dev/null 2>&1
user_add wang sales hz
for i in $(seq 1 41); do echo "客户$i,$((i % 2 ? 1 : 0)),$i"; done |
	awk -F, 'BEGIN { print "name,city,employee_count,phone" } { print $1 "," ($2 == 1 ? "杭州" : "宁波") "," $3 ",0571-8000" 1000 + $3 }' >"$DIR/41.csv"
exits "41 customers" 0 as admin import "$DIR/41.csv"
pages() { as admin customer list "employee_count <= $1" --total -o json | jq -c '[.total, .pages]'; }
is "40 rows, 2 pages" "$(pages 40)" "[40,2]"
is "41 rows, 3 pages" "$(pages 41)" "[41,3]"
is "21 rows, 2 pages" "$(pages 21)" "[21,2]"

for i in 1 2 3 4; do as admin contact add customer=$i name=联系$i >/dev/null 2>&1; done
names() { jq -r .name | tr '\n' ' ' | sed 's/ $//'; }
is "a field of what a record refers to" "$(as admin contact list 'customer.city = 杭州' --sort name -o jsonl | names)" "联系1 联系3"
is "two steps away" "$(as admin contact count 'customer.owner.username = admin')" 4
is "and none of them" "$(as admin contact count 'not customer.owner.username = admin')" 0

as admin saved-filter add name=A entity=customer filter='city = 杭州 and employee_count <= 10' >/dev/null 2>&1
as admin saved-filter add name='B und C' entity=customer filter='@@A and employee_count > 4' shared_with=all >/dev/null 2>&1
is "a saved filter" "$(as admin customer count @A)" 5
is "with more" "$(as admin customer count '@A and employee_count < 4 or name = 客户40')" 3
is "one that names another, its name quoted" "$(as admin customer count '@"B und C"')" 3
exits "an unknown one is a mistake" 2 as admin customer list @Z
like "with its place" "$ERR" 'no saved filter "Z".*column 1'
exits "one of other records is none" 2 as admin contact list @A
exits "of somebody else" 2 as wang customer list @A
as admin saved-filter set 1 filter='@@"B und C"' >/dev/null 2>&1
exits "a circle" 2 as admin customer list @A
like "is named" "$ERR" 'contains itself'
as admin saved-filter set 1 filter='city = 杭州' shared_with=all >/dev/null 2>&1
is "a shared one is cut to what the reader sees" "$(as admin customer count @A) $(as wang customer count @A)" "21 0"
exits "a static group names records that are there" 6 as admin saved-filter add name=S entity=customer group_kind=static members=2,4,999
as admin saved-filter add name=S entity=customer group_kind=static members=2,4 >/dev/null 2>&1
is "a static group" "$(as admin customer list @S --sort id -o id | tr '\n' ' ')" "2 4 "
as admin customer set 2 city=杭州 >/dev/null 2>&1
is "stays as it is, a query group changes" "$(as admin customer count @S) $(as admin customer count @A)" "2 22"

exits "a plan" 0 as admin customer list 'city = 杭州 and remarks ~ x' --sort -employee_count --explain
is "in words" "$ERR" "guanxi: read:
  index: city, about 22 records
order: all that are read are sorted, by -employee_count
records: each candidate is read and checked"
exits "a plan of a count" 0 as admin customer count 'city = 杭州 or employee_count < 3' --explain
like "reads no records" "$ERR" 'records: not read'
like "and counts" "$OUT" '^22$'
for day in 2024-12-31 2025-01-01 2025-02-28; do
	as admin activity add customer=1 activity_type=call subject=a activity_date=$day >/dev/null 2>&1
done
periods() { as admin activity count --by "$2:$1" -o tsv --no-header | tr '\t\n' '= '; }
is "count by month" "$(periods month activity_date)" "2024-12=1 2025-01=1 2025-02=1 "
is "by quarter" "$(periods quarter activity_date)" "2024-Q4=1 2025-Q1=2 "
is "by year, none without a date" "$(periods year activity_date)" "2024=1 2025=2 "
is "all without one" "$(periods year started_at)" "=3 "
like "an instant's months" "$(as admin customer count --by created_at:month -o tsv --no-header | cut -f1)" '^20[0-9][0-9]-[01][0-9]$'
exits "no other period" 2 as admin customer count --by created_at:week
like "which it says" "$ERR" 'a period is month, quarter or year'
exits "nothing but dates has any" 2 as admin customer count --by city:month
is "count by, with a filter" "$(as admin customer count 'employee_count <= 3' --by city -o tsv --no-header | LC_ALL=C sort | tr '\t\n' '= ')" "杭州=3 "

as admin role add code=outside label_zh=外部 scope=all rights=customer.list exact_only=yes >/dev/null 2>&1
user_add guest outside hz
is "who may ask exactly only does so" "$(as guest customer count 'name = 客户7')" 1
for q in 'name ~ 客户' 'name != 客户7' 'name = 客户7 or city = 杭州' 'city = 杭州' 'name > 客户7' 'not name = 客户7' @A ''; do
	exits "and not: $q" 4 as guest customer list "$q"
done
exits "nor counts" 4 as guest customer count 'employee_count > 3'
exits "nor searches" 4 as guest search 客户
test_end
