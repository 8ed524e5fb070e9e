#!/bin/bash
# Ways round the scope and the masks: what a stranger could learn from filters, orders, counts, plans, errors, names, undo, imports.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin branch add code=cd name=成都 >/dev/null 2>&1
user_add wang sales hz
user_add li sales cd
user_add audit auditor hz
as admin role add code=blind label_zh=盲 label_en=Blind scope=all rights=customer.change,contact.change >/dev/null 2>&1
user_add blind blind hz
operation_of() { grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*' | tail -n 1; }

exits "a customer of Hangzhou" 0 as wang customer add name=杭州长河 phone=0571-88880000 city=杭州 external_id=crm-77 keywords=机密 -o id
H=$OUT
exits "one of Chengdu" 0 as li customer add name=成都天府 phone=028-88880000 city=成都 -o id
S=$OUT
HC=$(as wang contact add customer="$H" name=曾国强 mobile=13805710001 -o id 2>/dev/null)
exits "a contact is changed" 0 as wang contact set "$HC" job_title=经理
CONTACT_OPERATION=$(operation_of)
P=$(as wang customer add name=单雄飞 kind=person mobile=13805712222 address=西湖 -o id 2>/dev/null)
as wang customer set "$P" mobile=13805713333 >/dev/null 2>&1
T=$(as admin task add customer="$H" subject=代办 due_on=2027-01-10 assignee=li -o id 2>/dev/null)

# A foreign record in every place that takes an id.
for words in "customer history $H" "contact history $HC" "customer restore $H" "contact set $HC name=x" "contact delete $HC -y" \
	"customer set $H owner=li" "customer show C000001"; do
	exits "not there: $words" 3 as li $words
	unlike "and nothing is told: $words" "$ERR" '长河|曾国强'
done
for words in "task set $T contact=$HC" "activity add customer=$H subject=x" "task add contact=$HC subject=x due_on=2027-01-01" \
	"reminder add record=customer:$H title=x start_on=2027-01-01" "customer set $S parent_company=$H" "customer set $S employer=$H"; do
	exits "no reference to it: $words" 6 as li $words
	unlike "and nothing is told: $words" "$ERR" '长河|曾国强'
done
exits "the same text as for one that is not there" 6 as li customer set "$S" employer="$H"
FOREIGN=$ERR
as li customer set "$S" employer=99999 2>"$DIR/err" >/dev/null
is "word for word" "${FOREIGN//$H/N}" "$(sed 's/99999/N/g' "$DIR/err")"
exits "a unique value of another branch is taken" 7 as li customer add name=另一个 phone=028-1234567 external_id=crm-77
unlike "whose it is stays untold" "$ERR" "长河|\"$H\"|C000001"
printf 'external_id,name,phone\ncrm-77,改名,028-7654321\n' >"$DIR/steal.csv"
exits "an import with its key" 11 as li customer import "$DIR/steal.csv" --key external_id --on-conflict update
unlike "tells nothing" "$ERR$OUT" '长河|C000001'
exits "nor with its id as key" 6 as li customer import - --key id
is "and changes nothing" "$(as wang customer show "$H" -o json | jq -r .name)" 杭州长河

# A task reaches its assignee, the customer behind it does not.
is "the assignee sees the task" "$(as li task list -o id)" "$T"
unlike "not the customer's name" "$(as li task list -o table; as li task show "$T"; as li task count --by customer -o tsv; as li today)" 长河
is "no filter through it" "$(as li task count 'customer.name ~ 长河'; as li task count 'customer.name = 杭州长河'; as li task count 'customer ~ 长河'; as li task count 'customer.city = 杭州')" $'0\n0\n0\n0'
is "no negated one either: unknown is not different" "$(as li task count 'not customer.city = 成都')" "$(as li task count 'not customer.city = 杭州')"
is "nor an order" "$(as li task list --sort customer -o id)" "$T"
exits "nor its history" 3 as li customer history "$H"

# Plans must not count what the caller may not see.
unlike "a plan does not count foreign rows" "$(as li customer list 'external_id = crm-77' --explain -o id 2>&1)" '[0-9] records'
like "an administrator's does" "$(as admin customer list 'external_id = crm-77' --explain -o id 2>&1)" '1 records'
is "count by a field" "$(as li customer count --by keywords -o tsv --no-header | grep -c 机密)" 0
is "export with a filter" "$(as li customer export - 'keywords = 机密' --format jsonl)" ""
is "the trash" "$(as li customer list --trash -o id)" ""
printf '{"op":"record.get","entity":"customer","record":["%s"]}\n{"op":"record.list","entity":"customer","filter":"id = %s"}\n' "$H" "$H" >"$DIR/batch"
as li batch "$DIR/batch" >"$DIR/batch.out" 2>&1
unlike "batch" "$(cat "$DIR/batch.out")" '长河|88880000'

# Masks.
is "an auditor sees the person" "$(as audit customer list 'name = 单雄飞' -o id)" "$P"
unlike "not the number" "$(as audit customer show "$P" -o json; as audit customer list -o jsonl; as audit customer show "$P")" '1380571'
unlike "nor in the history" "$(as audit customer history "$P" -o json; as audit customer history "$P")" '1380571|西湖'
as admin customer export - 'mobile = 13805713333 and name is not empty' --format jsonl >/dev/null 2>&1
as admin customer export - 'name = 杭州' --format jsonl >/dev/null 2>&1
is "nor in the log of exports" "$(as audit audit list export -o jsonl | jq -r .filter | head -n 2 | tr '\n' ',')" 'name = 杭州,***,'
is "where who may see it reads it" "$(as admin audit list export -o jsonl | jq -r .filter | sed -n 2p)" 'mobile = 13805713333 and name is not empty'
PORTFOLIO=$(as admin customer show "$H" -o json | jq .portfolio)
for user in admin li; do
	is "a portfolio counts what $user sees" "$(as $user portfolio show "$PORTFOLIO" -o json | jq .customer_count)" "$(as $user customer count "portfolio = $PORTFOLIO")"
	is "in a list too" "$(as $user portfolio list "id = $PORTFOLIO" -o jsonl | jq .customer_count)" "$(as $user customer count "portfolio = $PORTFOLIO")"
done
isnt() { if [ "$2" = "$3" ]; then not_ok "$1" "both: $2"; else ok "$1"; fi; }
isnt "which is not the same" "$(as admin portfolio show "$PORTFOLIO" -o json | jq .customer_count)" "$(as li portfolio show "$PORTFOLIO" -o json | jq .customer_count)"
is "a company's phone is public" "$(as audit customer show "$H" -o json | jq -r .phone)" 0571-88880000
for filter in 'mobile = 13805713333' 'mobile ~ 3333' 'id_card_number = 1' 'phone = 13805713333' 'mobile is empty' 'gender = male' 'address ~ 西湖' 'employer.mobile = 13805713333' \
	'(city = 杭州 or not mobile = 13805713333)'; do
	exits "no filter by $filter" 4 as audit customer list "$filter"
	exits "nor count" 4 as audit customer count "$filter"
done
exits "no order by it" 4 as audit customer list --sort -mobile
exits "no count by it" 4 as audit customer count --by mobile
exits "nor through a reference" 4 as audit contact count 'customer.mobile = 13805713333'
exits "nor a search" 0 as audit search 13805713333 -o id
is "finds it" "$OUT" ""
is "nor one for a contact's" "$(as audit search 13805710001 -o id)" ""
V=$(as audit customer show "$P" -o json | jq .version)
as wang customer set "$P" mobile=13805714444 >/dev/null 2>&1
exits "a conflict on a masked field" 5 as blind customer set "$P" mobile=13800000000 --if-version "$V" -o json
unlike "shows no values" "$ERR" 13805714444
exits "a change by who may not see it" 0 as blind customer set "$P" city=杭州 -o json
unlike "answers masked" "$OUT" 13805714444
is "and keeps what was masked" "$(as wang customer show "$P" -o json | jq -r .mobile)" 13805714444
unlike "an export is masked too" "$(as blind customer export - --format jsonl 2>&1)" 1380571

# Undo after the record has gone to another branch.
exits "a change" 0 as wang customer set "$H" keywords=新
OPERATION=$(operation_of)
exits "li has nothing to take back there" 3 as li undo "$OPERATION"
exits "the transfer" 0 as admin customer set "$H" owner=li branch=cd
exits "undo of a change before it" 3 as wang undo "$OPERATION"
exits "undo of a change of its contact" 3 as wang undo "$CONTACT_OPERATION"
is "the new owner's record stands" "$(as li contact show "$HC" -o json | jq -r .job_title)" 经理
is "an old id shows nothing" "$(as wang contact list -o id)" ""
exits "an own transfer can be taken back" 0 as li customer set "$S" owner=wang branch=hz
exits "by who made it" 0 as li undo "$(operation_of)"
is "and is" "$(as li customer show "$S" -o json | jq -r .name)" 成都天府
exits "a closed account is out at once" 0 as admin user set wang state=left
exits "with its session" 9 as wang customer list
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
