#!/bin/bash
# What was promised of search, duplicates, merge, bulk, import, export, undo and conflicts, statement by statement, as a user types it.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=cd name=成都 >/dev/null 2>&1
as admin branch add code=bj name=北京 >/dev/null 2>&1
user_add li sales cd
user_add zhao sales bj

added() { jq .id <<<"$OUT"; } # of the last command with -o json
add() { as admin "$@" -o json 2>/dev/null | jq .id; }
operation() { grep -o 'guanxi undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*'; }
found() { as admin search "$1" -o id | tr '\n' ' '; }

# Pinyin
declare -A NAMES
n=0
for name in 曾国强 单雄飞 仇英杰 区小姐 解文博; do
	n=$((n + 1))
	NAMES[$name]=$(add customer add kind=person name=$name mobile=1380000100$n)
done
NAMES[重庆长城银行]=$(add customer add name=重庆长城银行 phone=023-60000001)
NAMES[𠮷野家]=$(add customer add name=𠮷野家 phone=010-60000001)
while read -r text name; do
	is "$text finds $name" "$(found "$text")" "${NAMES[$name]} "
done <<'END'
zeng 曾国强
zengguoqiang 曾国强
zgq 曾国强
曾 曾国强
国强 曾国强
cqcc 重庆长城银行
chongqing 重庆长城银行
yinhang 重庆长城银行
shan 单雄飞
qiu 仇英杰
ou 区小姐
xie 解文博
𠮷 𠮷野家
END
BANK=${NAMES[重庆长城银行]}
for name in 曾国强 王五 单雄飞 阿强; do
	n=$((n + 1))
	P[$n]=$(add contact add customer="$BANK" name=$name mobile=1390000100$n)
done
is "contacts are sorted by their readings" "$(as admin contact list --sort name --columns name --no-header | tr '\n' ' ')" "阿强 单雄飞 王五 曾国强 "
as admin contact set "${P[6]}" name_reading="ceng guo qiang" >/dev/null 2>&1
is "a corrected reading sorts" "$(as admin contact list --sort name --columns name --no-header | tr '\n' ' ')" "阿强 曾国强 单雄飞 王五 "
is "and finds" "$(as admin search ceng --in contact -o id) $(as admin search zeng --in contact -o id)" "${P[6]} ${P[6]}"

# Duplicates
FIRM=$(add customer add name=杭州长河有限公司 phone=0571-88880000 tax_number=T100 email=sales@changhe.example)
while IFS='|' read -r why fields; do
	eval "set -- $fields"
	exits "a duplicate by $why" 7 as admin customer add "$@" -o json
	is "names the candidate" "$(jq -r '.error.fields[0].candidate' <<<"$ERR")" "customer:$FIRM"
done <<'END'
name|name=杭州长河有限公司 phone=0571-70000001
name without its suffix|name='杭州长河 股份有限公司' phone=0571-70000002
tax number|name=甲 phone=0571-70000003 tax_number=T100
phone|name=乙 phone='(0571) 8888 0000'
email|name=丙 email=sales@CHANGHE.example
END
ONE=$(add customer add kind=person name=王小明 mobile=13800000001 birthday=1987-07-26)
exits "a mobile number with +86" 7 as admin customer add kind=person name=另一人 mobile='+86 138-0000-0001'
exits "the same name and birthday" 7 as admin customer add kind=person name=王小明 mobile=13800000009 birthday=1987-07-26
exits "a contact's mobile number" 7 as admin lead add name=线索 company=某厂 mobile=13900001006
exits "--force needs a reason" 2 as admin customer add kind=person name=另一人 mobile=13800000001 --force
exits "and goes where the role allows it" 0 as admin customer add kind=person name=另一人 mobile=13800000001 --force --reason 同号 -o json
TWIN=$(added)
exits "else not" 4 as li customer add name=杭州长河有限公司 phone=028-1 --force --reason x
exits "one of another branch" 7 as li customer add name=杭州长河有限公司 phone=028-70000001 -o json
unlike "is not told" "$ERR" "长河|customer:[0-9]"
like "but that it is there" "$ERR" "another branch"
exits "the report" 0 as admin customer duplicates -o json
is "says why" "$(jq -c "[.items[] | select(.id == $TWIN or .id == $ONE) | .duplicates[].same]" <<<"$OUT")" '["mobile"]'
exits "the trash" 0 as admin customer delete "$TWIN" -y
is "is no duplicate" "$(as admin customer duplicates -o json | jq -c "[.items[] | select(.id == $ONE)]")" '[]'

# Merge
K=$(add customer add name=甲厂 phone=0571-61000001 city=杭州 tags=a)
O=$(add customer add name=乙厂 phone=0571-61000002 city=宁波 tags=b remarks=备注)
for noun in "activity add subject=x" "task add subject=x due_on=today" "note add title=x" "reminder add title=x start_on=today+1d record=customer:$O" \
	"consent add purpose=marketing scope=all channels=email" "points-entry add points=5 points_reason=activity"; do
	[[ $noun == reminder* ]] || noun="$noun customer=$O"
	exits "${noun%% *} of the other one" 0 as admin $noun
done
exits "merge" 0 as admin customer merge "$K" "$O" -o json
OP=$(operation)
is "keeps, fills and unites" "$(jq -c '[.city, .remarks, (.tags | sort), .merged_ids]' <<<"$OUT")" "[\"杭州\",\"备注\",[\"a\",\"b\"],[\"$O\"]]"
for noun in activity task note consent points-entry; do
	is "$noun comes along" "$(as admin $noun count "customer = $K")" 1
done
exits "history" 0 as admin customer history "$K" -o json
is "has the other value" "$(jq -c '.items[0].merged | [.id, .not_taken_over.city, .not_taken_over.phone]' <<<"$OUT")" "[$O,\"宁波\",\"0571-61000002\"]"
like "in words too" "$(as admin customer history "$K")" "not taken over from $O: .*City: 宁波"
exits "a later edit" 0 as admin customer set "$K" tags=+c
LATER=$(operation)
exits "stands against the undo" 5 as admin undo "$OP"
exits "until it is undone" 0 as admin undo "$LATER"
exits "then it goes" 0 as admin undo "$OP"
is "both are two again" "$(as admin customer show "$O" -o json | jq -r '[.id, .city] | @csv')" "$O,\"宁波\""
exits "the history keeps what was merged" 0 as admin customer history "$K" -o json
is "also after the undo" "$(jq -c '[.items[] | select(.kind == "merge") | .merged.not_taken_over.city]' <<<"$OUT")" '["宁波"]'

# Undo in reverse order, undo of an undo
exits "set a" 0 as admin customer set "$K" city=A
A=$(operation)
exits "set b" 0 as admin customer set "$K" city=B
B=$(operation)
exits "a under b" 5 as admin undo "$A"
exits "undo b" 0 as admin undo "$B"
UB=$(operation)
exits "undo the undo of b" 0 as admin undo "$UB"
UUB=$(operation)
is "brings b" "$(as admin customer show "$K" -o json | jq -r .city)" B
exits "undo that" 0 as admin undo "$UUB"
exits "undo a" 0 as admin undo "$A"
is "is as it was" "$(as admin customer show "$K" -o json | jq -r .city)" 杭州
exits "delete" 0 as admin customer delete "$K" -y
exits "is undone" 0 as admin undo "$(operation)"
exits "a transfer" 0 as admin customer set "$K" owner=li
exits "is undone" 0 as admin undo "$(operation)"
is "with owner and branch" "$(as admin customer show "$K" -o json | jq -c '[.owner, .branch]')" '[1,1]'
exits "add" 0 as admin customer add name=新 phone=010-1234567 -o json
exits "is undone" 0 as admin undo "$(operation)"
exits "and gone" 3 as admin customer show "$(added)"

# Bulk
before=$(as admin customer list --sort id -o jsonl)
exits "bulk with --dry-run" 0 as admin customer set --where 'name ~ 厂' owner=li --dry-run -o json
is "has the exact ids" "$(jq -c '[.changed, (.ids | sort)]' <<<"$OUT")" "[2,[$K,$O]]"
is "and changes nothing" "$(as admin customer list --sort id -o jsonl)" "$before"
exits "what is so already" 0 as admin customer set --where 'name ~ 厂' city=杭州 --dry-run -o json
is "is not counted" "$(jq -c .ids <<<"$OUT")" "[$O]"
exits "rows that fail" 11 as admin customer set --where "id in ($K, $ONE)" kind=company gender=male status=lost -y -o json
exits "lost without reason but for one" 0 as admin customer set "$K" loss_reason=price
exits "fails for the others" 11 as admin customer set --where "id in ($K, $O)" status=lost -y -o json
like "each by name" "$ERR" "customer $O: loss_reason is missing"
is "the others are done" "$(jq .changed <<<"$OUT") $(as admin customer show "$K" -o json | jq -r .status)" "1 lost"
exits "delete without -y off a terminal" 2 as admin customer delete "$K"
like "names the option" "$ERR" "-y"

# Import
cd "$DIR" || exit 1
printf '客户名称,电话,城市,税号\n杭州镕厂,0571-80000001,杭州,N1\n吉野家二店,0571-80000002,宁波,N2\n㐂社,0571-80000003,宁波,N3\n' >utf8.csv
{ printf '\xef\xbb\xbf' && cat utf8.csv; } >bom.csv
iconv -t gb18030 utf8.csv >gb.csv
iconv -t utf-16 utf8.csv >utf16.csv
rows() { as admin customer list 'tax_number in (N1, N2, N3)' --sort id --columns name,phone,city,tax_number --no-header; }
for f in utf8 bom gb utf16; do
	exits "import of $f.csv" 0 as admin customer import $f.csv
	OP=$(operation)
	rows >"rows.$f"
	is "gives the same rows" "$(cmp rows.utf8 rows.$f && wc -l <rows.$f)" 3
	exits "is undone" 0 as admin undo "$OP"
	is "as a whole" "$(rows)" ""
done
exits "a dry run" 0 as admin customer import gb.csv --dry-run
like "shows decoded rows" "$ERR" "客户名称=㐂社"
exits "import with a key" 0 as admin customer import utf8.csv --key tax_number --on-conflict update
exits "for the second time" 0 as admin customer import utf8.csv --key tax_number --on-conflict update -o json
is "changes nothing" "$(jq -c '[.read, .added, .updated, .unchanged, .skipped, .rejected]' <<<"$OUT")" "[3,0,0,3,0,0]"
printf '客户名称,电话\n好,0571-1234567\nb\xff,0571-1234568\n' >bad.csv
exits "an undecodable byte" 6 as admin customer import bad.csv
like "is told with line and column" "$ERR" "0xff.* line 3, column 2"
printf '客户名称,电话,税号\n新一,0571-80000010,M1\n杭州镕厂,0571-80000011,M2\n新二,abc,M3\n' | iconv -t gb18030 >mixed.csv
exits "refused rows" 11 as admin customer import mixed.csv --rejects rejects.csv
is "are counted" "$OUT" "read 3: added 1, updated 0, unchanged 0, skipped 0, rejected 2"
like "with candidate and reason, in the input's encoding" "$(iconv -f gb18030 rejects.csv)" 'M2,.*customer [0-9]+'
iconv -f gb18030 rejects.csv | sed 's/abc/0571-80000012/; /杭州镕厂/d' | iconv -t gb18030 >corrected.csv
exits "corrected they go in" 0 as admin customer import corrected.csv
printf '名称,电话,创建时间,创建人\n旧客户,0571-80000110,2019-03-04T05:06:07Z,admin\n' >old.csv
exits "the original date" 0 as admin customer import old.csv
is "stays" "$(as admin customer list 'name = 旧客户' -o json | jq -r '.items[0].created_at')" 2019-03-04T05:06:07Z
printf 'customer,name,mobile,title\n@name:甲厂,同名,13700000001,x\n@name:乙厂,同名,13700000002,y\n' | cut -d, -f1-3 >people.csv
exits "two people of one name" 0 as admin contact import people.csv
is "stay with their own" "$(as admin contact list 'name = 同名' --sort id -o jsonl | jq -c .customer | tr '\n' ' ')" "$K $O "

# Export
exits "export to gb18030" 0 as admin customer export gb-out.csv 'tax_number is not empty' --format csv --encoding gb18030
like "holds every character" "$(iconv -f gb18030 gb-out.csv)" '镕.*|㐂'
as admin consent add customer="$ONE" purpose=marketing scope=all channels=email >/dev/null 2>&1
exits "for marketing" 0 as admin customer export - "id in ($K, $ONE)" --purpose marketing --columns id --format csv
is "only who has consented" "$(tail -n +2 <<<"$OUT" | tr -d "\r")" "$ONE"
like "and how many not" "$ERR" "left out without consent: 1"
as admin consent add customer="$ONE" purpose=marketing scope=all channels=email state=refused >/dev/null 2>&1
is "the last word counts" "$(as admin customer export - "id = $ONE" --purpose marketing --columns id --format csv 2>/dev/null | tail -n +2)" ""
exits "the log" 0 as admin audit list export -o jsonl
is "has filter and count" "$(jq -c 'select(.filter == "tax_number is not empty") | [.kind, .entity, .rows, .user]' <<<"$OUT")" '["export","customer",6,"admin"]'
is "and the purpose" "$(head -n 1 <<<"$OUT" | jq -c '[.rows, .purpose]')" '[0,"marketing"]'
exits "is not for everybody" 4 as li audit list
is "no page leaves without it" "$(echo '{"op":"record.export","entity":"customer"}' | as admin batch - 2>/dev/null | jq -r .status)" usage

# Trash
exits "a customer of li" 0 as li customer add name=李的 phone=028-5000001 -o json
L=$(added)
exits "with a contact" 0 as li contact add customer="$L" name=小李 mobile=13600000001 -o json
C=$(added)
exits "goes to the trash" 0 as li customer delete "$L" -y
is "which its owner sees" "$(as li customer list --trash -o id)" "$L"
is "and nobody else" "$(as zhao customer list --trash -o id)" ""
exits "nor restores it" 3 as zhao customer restore "$L"
exits "the owner does" 0 as li customer restore "$L"
is "with the same children" "$(as li contact list -o id)" "$C"

# Conflicts
V=$(as admin customer show "$O" -o json | jq .version)
exits "phone from version $V" 0 as admin customer set "$O" phone=0571-1111111 --if-version "$V"
exits "phone from it again" 5 as admin customer set "$O" phone=0571-2222222 --if-version "$V"
like "shows both values" "$ERR" "0571-1111111.*0571-2222222"
exits "another field from it" 0 as admin customer set "$O" city=温州 --if-version "$V"

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
