#!/bin/bash
# What users were promised about records, in the commands of the promise, in both languages.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
user_add wang sales main >/dev/null
user_add zhao sales main >/dev/null
as admin region add code=east name=华东 >/dev/null 2>&1
as admin team add name=一组 branch=main >/dev/null 2>&1
get() { as admin "$1" show "$2" -o json | jq -c ".$3"; }
ids() { as admin customer list "$@" -o id 2>/dev/null | tr '\n' ' '; }

# A company with every settable field, from JSON and back, Chinese, emoji and characters of four bytes.
as admin customer add name=甲 phone=0571-1 >/dev/null 2>&1
cat >"$DIR/full.json" <<'JSON'
{"kind":"company","customer_number":"K-77","name":"杭州长河😀𠮷有限公司","name_reading":"hang zhou chang he","keywords":"化工 染料",
"company_name":"长河集团","employer":1,"gender":"female","birthday":"lunar:1987-L06-01","birth_month":"1987-07","birthday_calendar":"both",
"occupation":"董事长\n二线","job_title":"总经理","education":"master","family":"一子一女","id_card_number":"11010519491231002X",
"country":"中国","province":"浙江","city":"杭州","address":"文三路 1 号","home_address":"西溪路 2 号","postcode":"310012",
"phone":"0571-88880000转12","mobile":"+86 138-0000-0077","fax":"0571-88880001","email":"Li.Mei@Example.COM","qq":"10001","msn":"li@msn.com",
"wechat":"limei","homepage":"https://example.com/长河","region":1,"industry":"chemical","business_field":"染料","cooperation_field":"助剂",
"annual_revenue":"12345678.90","employee_count":120,"legal_representative":"曾国强","person_in_charge":"仇英杰","tax_number":"91330100MA27XXXX1X",
"bank_name":"工行","bank_account":"6222020000000001","business_condition":"好","financial_condition":"稳","characteristics":"特征","needs":"需求",
"consumption_habits":"习惯","preferences":"茶","customer_type":"partner","relation_class":"enterprise","grade":"key","source":"exhibition",
"collection_channel":"phone","status":"lost","status_reason":"搬走","loss_reason":"moved","credit_rating":"aa","credit_limit":"50000.00",
"potential_score":70,"loyalty_kind":"trust","relationship_level":"social","owner":1,"team":1,"branch":1,"portfolio":1,"channel_partner":1,
"member_card_number":"M-1","member_level":"silver","archived":false,"archive_reason":"无","tags":["展会","重点"],"remarks":"备注\t𠀀",
"external_id":"X-9","created_at":"2020-01-02T03:04:05Z","created_by":1}
JSON
exits "a company with every field" 0 as admin customer add --json "$DIR/full.json"
as admin customer show K-77 -o json >"$DIR/got.json"
is "comes back equal" "$(jq -c --slurpfile got "$DIR/got.json" '[keys[] as $k | select(.[$k] != $got[0][$k]) | $k]' "$DIR/full.json")" "[]"
as admin schema customer -o json >"$DIR/schema.json"
is "and there is no other settable field" "$(jq -c --slurpfile full "$DIR/full.json" \
	'[.items[] | select(.flags | test("computed|readonly|virtual|retired") | not) | .name] - ($full[0] | keys)' "$DIR/schema.json")" "[]"
is "the schema gives each field both labels" "$(jq -c '[.items[] | select((.label_zh // "") == "" or (.label_en // "") == "") | .name]' "$DIR/schema.json")" "[]"
unlabelled() {
	for e in $(as admin schema -o json | jq -r '.items[].entity'); do
		as admin schema "$e" -o json | jq -r --arg e "$e" '.items[] | select((.label_zh // "") == "" or (.label_en // "") == "") | "\($e).\(.name)"'
	done
}
is "of every kind of record" "$(unlabelled)" ""

# Exactly one primary contact.
A=$(as admin contact add customer=1 name=甲一 mobile=13800000011 -o id 2>/dev/null)
is "the first contact becomes primary" "$(get contact "$A" is_primary)" true
B=$(as admin contact add customer=1 name=甲二 mobile=13800000012 -o id 2>/dev/null)
C=$(as admin contact add customer=1 name=甲三 mobile=13800000013 -o id 2>/dev/null)
exits "another is made primary" 0 as admin contact set "$B" is_primary=yes
is "and clears the first" "$(get contact "$A" is_primary)" false
is "in the same operation" "$(as admin contact history "$A" -o json | jq .items[0].operation)" "$(as admin contact history "$B" -o json | jq .items[0].operation)"
exits "the only flag is not cleared" 6 as admin contact set "$B" is_primary=no
as admin contact delete "$B" -y >/dev/null 2>&1
is "after deleting the primary the oldest remaining one is primary" "$(get contact "$A" is_primary) $(get contact "$C" is_primary)" "true false"

# Persons by the same verbs; required sets by kind are settings that custom fields can join.
exits "a person" 0 as admin customer add kind=person name=王小明 mobile=13800000001 birthday=lunar:08-15
exits "a person without a way of contact" 6 as admin customer add kind=person name=李四
exits "a company without a way of contact" 6 as admin customer add name=乙
exits "no field of a company is refused of a person" 0 as admin customer add kind=person name=一人公司 qq=12345 annual_revenue=1000 tax_number=AB12
exits "all bad fields are named at once" 6 as admin customer add kind=person email=x postcode=12 -o json
is "in one answer" "$(jq -r '[.error.fields[].field] | sort | join(" ")' <<<"$ERR")" "email name postcode"
exits "in Chinese as well" 6 as admin --lang zh customer add kind=person email=x postcode=12
like "each of them" "$(tr '\n' ' ' <<<"$ERR")" 'email 不是.* name 缺失.* postcode 不是'
as admin custom-field add entity=customer field=store_count label_zh=门店数 label_en=Stores type=integer >/dev/null 2>&1
exits "the required set is a setting" 0 as admin setting set required.customer.company 'name,store_count,phone|mobile'
exits "with a custom field" 6 as admin customer add name=乙 phone=0571-2
like "by name" "$ERR" 'store_count is missing'
exits "a set names fields only" 6 as admin setting set required.customer.company 'name,nonsense'
as admin setting set required.customer.company value= >/dev/null 2>&1
exits "cleared it is the default again" 6 as admin customer add name=乙

exits "whatever is wrong" 6 as admin customer add kind=robot grade=x birthday=lunar:02-31 email=a owner=99 employer=99 homepage=x annual_revenue=z \
	employee_count=-1 phone=1 qq=abc id_card_number=12 tax_number=- postcode=1 status=lost -o json
is "is named in one answer" "$(jq -r '[.error.fields[].field] | sort | join(" ")' <<<"$ERR")" \
	"annual_revenue birthday email employee_count employer grade homepage id_card_number kind loss_reason name owner phone postcode qq tax_number"
as admin region add code=zj name=浙江 parent=east >/dev/null 2>&1
exits "a region is not inside itself" 6 as admin region set east parent=zj
exits "nobody is his own channel partner" 6 as admin customer set 1 channel_partner=1
exits "nor deputy" 6 as admin user set wang deputy=wang
exits "a wrong choice" 2 as admin customer list '行业 = 天文学'
like "names whole words" "$ERR" 'is not one of agriculture, .*, \.\.\. '

# Memos about any record, with a date.
as admin lead add name=线索 >/dev/null 2>&1
for record in customer:1 lead:1 contact:1 user:1 role:1 dictionary_entry:1 region:1 branch:1 setting:1; do
	exits "a memo about $record" 0 as admin note add title=备忘 record=$record reminder_date=2090-12-01
done

# A memo without record is its author's alone; a shared filter is seen by those whom it is shared with; a notice by its audience.
as wang note add title=王的私记 >/dev/null 2>&1
is "a private memo is seen by its author" "$(as wang note list 'title = 王的私记' -o id | wc -l)" 1
is "and by nobody else, whatever his scope" "$(as admin note list 'title = 王的私记' -o id | wc -l) $(as admin search 王的私记 | grep -c 王的) $(as zhao note list -o id | wc -l)" "0 0 0"
exits "nor by its number" 3 as admin note show "$(as wang note list -o id)"
is "memos about records are" "$(as admin note count)" 9
as wang saved-filter add name=W entity=customer 'filter=city = 杭州' >/dev/null 2>&1
seen() { as "$1" saved-filter list "name = W" -o id | wc -l; }
is "a saved filter is its owner's" "$(seen wang) $(seen zhao)" "1 0"
exits "not another's" 2 as zhao customer list @W
as wang saved-filter set 1 shared_with=branch >/dev/null 2>&1
is "shared with the branch it is seen" "$(seen wang) $(seen zhao)" "1 1"
exits "and used" 0 as zhao customer list @W
as wang saved-filter set 1 shared_with=team >/dev/null 2>&1
is "not by another team" "$(seen zhao)" 0
for to in all sales user:zhao zhao main 'finance'; do as admin notice add "title=给$to" content=内容 "audience=$to" >/dev/null 2>&1; done
is "notices reach their audience" "$(as wang notice list --sort id -o json | jq -r '[.items[].title] | join(" ")')" "给all 给sales 给main"
is "each his own" "$(as zhao notice list --sort id -o json | jq -r '[.items[].title] | join(" ")')" "给all 给sales 给user:zhao 给zhao 给main"
# Dictionaries: a new name changes every list, a used entry stays, all three names ask for the same rows.
as admin customer set 1 industry=chemical -q >/dev/null 2>&1
exits "an entry gets a new name" 0 as admin dictionary-entry set industry.chemical label_zh=新化工
is "in all lists" "$(as admin --lang zh customer list 'industry = 新化工' --columns industry --no-header -o csv --sort id | tr '\r\n' '  ')" "新化工  新化工  "
as admin dictionary-entry set industry.chemical label_zh=化工 >/dev/null 2>&1
is "asked for by label and code in both languages" "$(ids 'industry = 化工')$(ids 'industry = chemical')$(ids '行业 = Chemical')" "2 1 2 1 2 1 "
exits "a used entry is not deleted" 6 as admin dictionary-entry delete industry.chemical -y
like "but counted" "$ERR" 'in use by 2 customer'
as admin dictionary-entry add dictionary=industry label_zh=养蜂 >/dev/null 2>&1
exits "a new one is usable in the next call" 0 as admin customer set 1 industry=养蜂

# Status and grade with history and reason.
exits "lost without a reason" 6 as admin customer set 1 status=lost
exits "with one" 0 as admin customer set 1 status=lost loss_reason=price
as admin customer set 1 grade=key --reason 采购翻倍 >/dev/null 2>&1
like "the history has date, user, old, new and reason" "$(as admin customer history 1)" '^2[0-9-]*T.*admin.*Grade: Normal → Key.*采购翻倍$'
like "and the status" "$(as admin --lang zh customer history 1)" '客户状态: 潜在客户 → 流失.*流失原因: 价格原因'
is "lost ones of this quarter" "$(ids 'status = lost and updated_at >= this-quarter')" "2 1 "

# Combined and saved queries.
as admin customer add name=南京化工 phone=025-1 industry=化工 province=江苏 annual_revenue=10000000 >/dev/null 2>&1
as admin customer add name=宁波商行 phone=0574-1 city=宁波 tags=重点 >/dev/null 2>&1
is "and, ranges" "$(as admin customer list 'industry = 化工 and province = 江苏 and annual_revenue >= 10000000' -o tsv --columns name --no-header)" 南京化工
BANK=$(ids 'name = 宁波商行' | tr -d ' ')
as admin activity add customer="$BANK" subject=旧 activity_date=2020-01-01 >/dev/null 2>&1
Q='(city in (杭州, 宁波) or tags = 重点) and not status = lost and last_contact_on < today-30d'
is "or, not, relative dates" "$(ids "$Q")" "$BANK "
as admin contact add customer=2 name=杭州人 mobile=13900000009 >/dev/null 2>&1
is "fields of the referenced record" "$(as admin contact list 'customer.city = 杭州' -o tsv --columns name --no-header)" 杭州人
as admin saved-filter add name=A entity=customer "filter=$Q" >/dev/null 2>&1
is "saved" "$(ids @A)" "$BANK "
as admin role add code=ext label_zh=外部 label_en=Ext scope=all rights=customer.read exact_only=yes >/dev/null 2>&1
user_add ext ext main >/dev/null
exits "an exact-only role asks by name" 0 as ext customer list 'name = 宁波商行'
exits "not by a part of it" 4 as ext customer list 'name ~ 商行'
exits "nor by search" 4 as ext search 商行

# Pages: 20 a page.
pages() { as admin task list --total -o json | jq -r '"\(.total):\(.pages)"'; }
add_tasks() { for ((i = 0; i < $1; i++)); do printf '{"subject":"t","due_on":"2090-01-01"}\n'; done | as admin task add --json - >/dev/null 2>&1; }
GOT=$(pages)
for n in 1 19 1 19 1; do
	add_tasks $n
	GOT="$GOT $(pages)"
done
is "pages are counted" "$GOT" "0:0 1:1 20:1 21:2 40:2 41:3"
as admin task list --limit 20 -o json >"$DIR/page1"
as admin task delete 30 -y >/dev/null 2>&1
add_tasks 3
as admin task list --limit 20 -o json --page "$(jq -r .next "$DIR/page1")" >"$DIR/page2"
is "rows that come and go repeat and skip none" "$(jq -s '[.[].items[].id]' -c "$DIR/page1" "$DIR/page2" | tr -d '[]' | tr , ' ')" "$(seq -s ' ' 41 -1 2)"

# Tags and groups.
is "tags are added and taken away" "$(as admin customer set 1 tags=+展会,+新,-旧 -o json 2>/dev/null | jq -c .tags)" '["展会","新"]'
is "and counted" "$(as admin customer count --by tags -o json | jq -c '[.items[] | select(.value != "") | [.value, .count]] | sort')" '[["展会",2],["新",1],["重点",2]]'
as admin saved-filter add name=Q entity=customer 'filter=tags = 展会' >/dev/null 2>&1
as admin saved-filter add name=S entity=customer group_kind=static members=1,2 >/dev/null 2>&1
as admin customer set 1 tags=-展会 >/dev/null 2>&1
is "a query group changes, a static one does not" "$(as admin customer count @Q) $(as admin customer count @S)" "1 2"
as admin customer add name=合并一 phone=010-11112222 external_id=m1 >/dev/null 2>&1
as admin customer add name=合并二 phone=010-11113333 external_id=m2 >/dev/null 2>&1
M1=$(ids 'external_id = m1' | tr -d ' ') M2=$(ids 'external_id = m2' | tr -d ' ')
as admin saved-filter add name=M entity=customer group_kind=static members="$M2" >/dev/null 2>&1
as admin customer merge "$M1" "$M2" -y >/dev/null 2>&1
is "who was merged stays in the group" "$(ids @M)" "$M1 "

# Documents.
head -c 1000000 /dev/urandom >"$DIR/one"
exits "a file" 0 as admin document add customer=1 content=@"$DIR/one"
exits "comes back" 0 as admin document get 1 --to "$DIR/back"
is "as it was" "$(sha256sum <"$DIR/back")" "$(sha256sum <"$DIR/one")"
truncate -s 65M "$DIR/large"
exits "one above the limit" 6 as admin document add customer=1 content=@"$DIR/large"
like "is refused with the limit" "$ERR" '64 MB'
is "and leaves nothing" "$(as admin document count)" 1

# Products with dated prices, sales to the fen.
as admin product add product_number=P1 name=染料 price=100.00 cost_price=60 >/dev/null 2>&1
as admin product-price set 1 valid_from=2026-01-01 >/dev/null 2>&1
as admin customer set 1 owner=wang status=active >/dev/null 2>&1
as admin sale add customer=1 product=P1 quantity=2 sale_number=S1 >/dev/null 2>&1
exits "a new price" 0 as admin product set P1 price=120.00
is "an old sale keeps its own" "$(get sale 1 unit_price)" '"100.00"'
is "both stand with their dates" "$(as admin product prices P1 -o json | jq -r '[.items[].price] | join(" ")') $(as admin product prices P1 -o json | jq -r .items[1].valid_from)" "120.00 100.00 2026-01-01"
amount() { as admin sale add customer=1 product_name=x "$@" -o json 2>/dev/null | jq -r .amount; }
is "half a fen rounds up" "$(amount unit_price=1.15 quantity=1 discount=50%)" 0.58
is "once" "$(amount unit_price=19.99 quantity=3 discount=85% sale_number=S1)" 50.97
exits "nine is no discount" 6 as admin sale add customer=1 product_name=x unit_price=1 quantity=1 discount=9
amount unit_price=1 quantity=1 sale_number=S1 >/dev/null
is "lines count on" "$(as admin sale list 'sale_number = S1' --sort line_number -o json | jq -c '[.items[].line_number]')" '[1,2,3]'
is "costs are not for everybody" "$(as wang sale show 1 -o json | jq -c '[.cost_price, .cost_amount, .margin, (.masked | sort)]')" '["***","***","***",["cost_amount","cost_price","margin"]]'
for f in cost_price cost_amount margin; do exits "nor asked for: $f" 4 as wang sale list "$f > 0"; done
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"

test_end
