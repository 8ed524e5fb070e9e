#!/bin/bash
# Fields and dictionaries that change while the server runs and clients are connected.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
user_add wang sales hq >/dev/null 2>&1 || user_add wang sales main >/dev/null

# A session that stays open: one line in, one line out.
mkfifo "$DIR/in"
as admin batch - -o jsonl <"$DIR/in" >"$DIR/answers" 2>"$DIR/batch.err" &
exec 7>"$DIR/in"
ASKED=0
ask() { # LINE : the answer in $GOT
	printf '%s\n' "$1" >&7
	ASKED=$((ASKED + 1))
	wait_for 60 answered || printf "# no answer to %s\n" "$1"
	GOT=$(sed -n "${ASKED}p" "$DIR/answers")
}
answered() { [ "$(wc -l <"$DIR/answers")" -ge "$ASKED" ]; }
show() { ask '{"op":"record.get","entity":"customer","record":["1"]}'; }
field() { as admin customer show "$1" -o json | jq -c ".$2"; }

for i in 1 2 3; do as admin customer add name=长河$i phone=0571-8888000$i industry=化工 >/dev/null 2>&1; done
show
is "the open session works" "$(jq -r .record.name <<<"$GOT")" 长河1

# One field, at once.
exits "a field is added" 0 as admin custom-field add entity=customer field=store_count label_zh=门店数 label_en=Stores type=integer
exits "and set" 0 as admin customer set 1 store_count=12
as admin customer set 2 门店数=9 >/dev/null 2>&1
as admin customer set 3 stores=30 >/dev/null 2>&1
show
is "an open session prints it" "$(jq -c .record.store_count <<<"$GOT")" 12
ids() { as admin customer list "$@" -o id 2>/dev/null | tr '\n' ' '; }
is "filter by identifier" "$(ids 'store_count >= 10' --sort id)" "1 3 "
is "filter by Chinese label" "$(ids '门店数 >= 10' --sort id)" "1 3 "
is "filter by English label" "$(ids 'Stores >= 10' --sort id)" "1 3 "
is "sorted" "$(ids --sort -store_count)" "3 1 2 "
like "counted in its group" "$(as admin customer count --by store_count -o csv)" '12,1'
exits "no number" 6 as admin customer set 1 store_count=abc
like "is named" "$ERR" 'store_count is not a whole number'
as admin customer export "$DIR/all.jsonl" --format jsonl 2>/dev/null
is "exported" "$(jq -c .store_count "$DIR/all.jsonl" | tr '\n' ' ')" "12 9 30 "
printf 'name,phone,门店数\n绵阳一,0816-1111111,77\n绵阳二,0816-1111112,x\n' >"$DIR/rows.csv"
exits "imported, the bad row refused" 11 as admin customer import "$DIR/rows.csv"
is "with its value" "$(as admin customer list 'name = 绵阳一' -o jsonl | jq .store_count)" 77
like "history" "$(as admin customer history 1)" 'Stores: 12'
OPERATION=$(as admin customer set 1 store_count=13 2>&1 >/dev/null | grep -o 'undo [0-9]*' | grep -o '[0-9]*')
as admin undo "$OPERATION" >/dev/null 2>&1
is "undone" "$(field 1 store_count)" 12
exits "its type is fixed now" 6 as admin custom-field set customer.store_count type=text
like "and says why" "$ERR" 'type cannot be changed: the field has had values'

# Refused.
cf() { as admin custom-field add entity=customer label_zh="$2" field="$1" type="${3:-text}" "${@:4}"; }
exits "a name of the tables" 6 cf phone 电话机
exits "a label of the tables" 6 cf fon 电话
exits "a name of another custom field" 6 cf store_count 店数
exits "a label of another custom field" 6 cf shops 门店数
exits "no identifier" 6 cf 'Bad name' 坏
exits "a word of the filters" 6 cf and 和
exits "an unknown entity" 6 as admin custom-field add entity=nothing field=a1 label_zh=甲 type=text
exits "a choice without a dictionary" 6 cf pick 挑选 choice
exits "a reference without an entity" 6 cf friend 朋友 ref
exits "a default that is no value" 6 cf level 级数 integer initial=high
exits "a label with a sign" 6 cf sign '甲=乙'
exits "not by a salesman" 4 as wang custom-field add entity=customer field=w label_zh=王 type=text
exits "all that is wrong at once" 6 as admin custom-field add entity=customer field=Phone label_zh=电话 type=choice unique=yes -o json
is "in one answer" "$(jq -r '[.fields // .error.fields | .[]?.field] | sort | unique | join(" ")' <<<"$ERR$OUT" 2>/dev/null)" "dictionary field label_zh"

# Gone and back.
exits "deleted" 0 as admin custom-field delete customer.store_count -y
show
is "an open session shows it no more" "$(jq -c .record.store_count <<<"$GOT")" null
exits "and nobody asks for it" 2 as admin customer list 'store_count >= 10'
as admin customer set 1 city=杭州 >/dev/null 2>&1
exits "its identifier stays its own" 6 cf store_count 店铺数
ID=$(as admin custom-field list --trash -o id | head -n 1)
exits "restored" 0 as admin custom-field restore "$ID"
is "with its values" "$(field 1 store_count)" 12
is "and its index" "$(ids 'store_count >= 10' --sort id)" "1 3 4 "
as admin custom-field set customer.store_count active=no >/dev/null 2>&1
is "switched off" "$(field 1 store_count)" null
as admin custom-field set customer.store_count active=yes >/dev/null 2>&1
is "and on" "$(field 1 store_count)" 12

# Required, default, length, unique, kinds.
cf tier 层级 integer required=yes initial=3 >/dev/null
as admin customer add name=默认 phone=0571-1 >"$DIR/new" 2>&1
is "a default" "$(as admin customer list 'name = 默认' -o jsonl | jq .tier)" 3
exits "records from before can still be changed" 0 as admin customer set 1 city=宁波
exits "what is required is not given up" 6 as admin customer set "$(ids 'name = 默认')" tier=
cf nick 简短 text max_length=3 unique=yes >/dev/null
exits "too long" 6 as admin customer set 1 nick=一二三四
exits "long enough" 0 as admin customer set 1 nick=一二三
exits "unique" 7 as admin customer set 2 nick=一二三
cf hobby 爱好 text required=yes kind=person >/dev/null
exits "needed of persons" 6 as admin customer add kind=person name=王小明 mobile=13800000001
like "by name" "$ERR" 'hobby is missing'
exits "not of companies" 0 as admin customer add name=公司 phone=0571-2

# Search and index, built later.
cf motto 口号 text searchable=no indexed=no >/dev/null
found() { as admin search "$1" --in customer -o jsonl | jq -r '.id // .record.id' | sort | tr '\n' ' '; }
for i in 1 2 3; do as admin customer set $i motto=诚信第$i >/dev/null 2>&1; done
is "not searched" "$(found 诚信)" ""
is "asked by a scan" "$(ids 'motto = 诚信第2')" "2 "
wait_for 60 as admin custom-field set customer.motto searchable=yes indexed=yes
searched() { [ "$(found 诚信)" = "$1" ]; }
wait_for 60 searched "1 2 3 "
is "searched when its terms stand" "$(found chengxin)" "1 2 3 "
is "and indexed" "$(ids 'motto = 诚信第2')" "2 "
wait_for 60 as admin custom-field set customer.motto searchable=no
wait_for 60 searched ""
is "and no more" "$(found 诚信)" ""

# Class.
cf secret 暗号 text data_class=sensitive >/dev/null
as admin customer set 1 secret=芝麻开门 owner=wang >/dev/null 2>&1
unlike "masked by class" "$(as wang customer show 1 -o json)" 芝麻开门
like "for those who may" "$(as admin customer show 1 -o json)" 芝麻开门
wait_for 60 as admin custom-field set customer.motto data_class=sensitive
unlike "at once when the class changes" "$(as wang customer show 1 -o json)" 诚信第1

# A choice with a dictionary of its own.
as admin dictionary add code=flavour label_zh=口味 label_en=Flavour >/dev/null 2>&1
for e in 'sweet 甜' 'salty 咸'; do
	set -- $e
	as admin dictionary-entry add dictionary=flavour code="$1" label_zh="$2" >/dev/null 2>&1
done
cf taste 口味偏好 choice dictionary=flavour label_en=Taste >/dev/null
exits "a choice" 0 as admin customer set 1 taste=甜
exits "and no other" 6 as admin customer set 1 taste=苦
as admin dictionary-entry add dictionary=flavour label_zh=苦 label_en=Bitter >/dev/null 2>&1
exits "a new entry is used in the next call" 0 as admin customer set 2 taste=苦
is "with a code of its own" "$(field 2 taste)" '"bitter"'
for w in sweet 甜 Sweet; do is "taste = $w" "$(ids "taste = $w")" "1 "; done
for f in 行业 industry Industry; do
	for w in 化工 chemical Chemical; do is "$f = $w" "$(ids "$f = $w" --sort id)" "1 2 3 "; done
done
ask '{"op":"record.get","entity":"customer","record":["2"]}'
is "an open session knows it" "$(jq -r .record.taste <<<"$GOT")" bitter
exits "relabelled" 0 as admin dictionary-entry set flavour.sweet label_zh=蜜甜
like "in every display" "$(GUANXI_LANG=zh as admin customer list 'taste = 蜜甜' --columns name,taste -o csv)" '长河1,蜜甜'
like "and in the schema" "$(as admin schema customer -o json)" 蜜甜
exits "a used entry is not deleted" 6 as admin dictionary-entry delete flavour.sweet -y
like "but counted" "$ERR" '1 customer'
exits "an unused one is" 0 as admin dictionary-entry delete flavour.salty -y
exits "nor one that a field of the tables uses" 6 as admin dictionary-entry delete industry.chemical -y
like "with the count" "$ERR" '3 customer'
is "how often it is used" "$(as admin dictionary-entry show industry.chemical -o json | jq .use_count)" 3
exits "codes are unique" 7 as admin dictionary-entry add dictionary=flavour code=sweet label_zh=另一个
exits "fixed ones are fixed" 6 as admin dictionary-entry add dictionary=customer_kind code=alien label_zh=外星

# Fields of other entities, and after a new start.
exits "every entity takes them" 0 as admin custom-field add entity=contact field=shoe_size label_zh=鞋码 type=decimal
as admin contact add customer=1 name=李梅 mobile=13900000001 鞋码=37.5 >/dev/null 2>&1
is "with values" "$(as admin contact list 'shoe_size = 37.5' -o id | wc -l)" 1
BEFORE=$(as admin customer show 1 -o json)
exec 7>&-
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
LISTEN=$ADDRESS server_start
is "after a new start all is as it was" "$(as admin customer show 1 -o json)" "$BEFORE"
unlike "without building the indexes anew" "$(cat "$DIR/server.log")" 'event=reindex'
test_end
