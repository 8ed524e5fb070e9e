#!/bin/bash
# Lists: filters, sorting, pages, counts; search by Chinese, pinyin, initials, digits; output forms for scripts.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
names() { jq -r .name | tr '\n' ' ' | sed 's/ $//'; }
add() { as admin customer add "$@" >/dev/null 2>&1; }

is "no rows, no pages" "$(as admin customer list --total -o json | jq -c '[.total, .pages]')" "[0,0]"
add name=阿强商行 phone=0571-10000001 city=杭州 province=浙江 industry=化工 annual_revenue=20000000 tags=重点
is "one row, one page" "$(as admin customer list --total -o json | jq -c '[.total, .pages]')" "[1,1]"
for i in $(seq 2 20); do add name=批量$i phone=0571-1000$((1000 + i)) city=宁波 employee_count=$((i * 10)); done
is "20 rows" "$(as admin customer list --total -o json | jq -c '[.total, .pages]')" "[20,1]"
add name=重庆长城银行 phone=023-86660001 city=重庆 province=重庆 industry=银行 annual_revenue=500
is "21 rows" "$(as admin customer list --total -o json | jq -c '[.total, .pages]')" "[21,2]"
is "without a limit 20 are shown" "$(as admin customer list -o id 2>"$DIR/err" | wc -l)" 20
like "and it says so" "$(cat "$DIR/err")" 'more'

FIRST=$(as admin customer list --limit 10 --sort id -o json)
NEXT=$(jq -r .next <<<"$FIRST")
as admin customer delete 3 -y >/dev/null 2>&1
add name=新来的 phone=0571-19999999
SECOND=$(as admin customer list --limit 10 --sort id --page "$NEXT" -o json)
is "pages neither repeat nor skip while rows come and go" \
	"$(jq -s -c '[.[0].items[].id] + [.[1].items[].id] | [length, (unique | length), .[10]]' <<<"$FIRST$SECOND")" "[20,20,11]"
is "a page of another filter is refused" "$(as admin customer list 'city = 杭州' --page "$NEXT" >/dev/null 2>&1; echo $?)" 2

f() { as admin customer list "$1" --sort name -o jsonl | names; }
is "and of three fields, labels and amounts" "$(f 'industry = 化工 and province = 浙江 and annual_revenue >= 10000000')" 阿强商行
is "or, not, in, tags" "$(f '(city in (杭州, 重庆) or tags = 重点) and not annual_revenue < 1000')" 阿强商行
is "labels of fields and entries in both languages" "$(f '行业 = Chemical')" 阿强商行
is "codes" "$(f 'industry = chemical')" 阿强商行
is "contains" "$(f 'name ~ 长城')" 重庆长城银行
is "contains, by pinyin" "$(f 'name ~ changcheng')" 重庆长城银行
is "is empty" "$(as admin customer count 'industry is empty')" 19
is "a range on an indexed number" "$(as admin customer count 'employee_count > 100 and employee_count <= 200')" 10
is "relative dates" "$(as admin customer count 'created_at >= today and created_at >= this-month')" 21
is "of yesterday" "$(as admin customer count 'created_at < today')" 0
exits "a mistake is exit 2" 2 as admin customer list 'city = 杭州 and'
exits "an unknown field too" 2 as admin customer list 'city = 杭州 and citty = 杭州'
like "with the column marked under the text" "$ERR" '^ +\^'
like "and a suggestion" "$ERR" 'city'
exits "explain" 0 as admin customer list 'city = 杭州' --explain
like "names the index" "$OUT$ERR" 'city'
is "count by" "$(as admin customer count --by city -o tsv --no-header | LC_ALL=C sort | tr "\t\n" "= ")" "=1 宁波=18 杭州=1 重庆=1 "

for name in 曾国强 单雄飞 仇英杰 区小姐 解文博 王五 阿强 𠮷野家; do as admin contact add customer=1 name=$name >/dev/null 2>&1; done
found() { as admin search "$1" --in "${2:-contact}" -o jsonl | jq -r '.name // .record.name' | tr '\n' ' ' | sed 's/ $//'; }
for q in zeng zengguoqiang zgq 曾 国强; do is "search $q" "$(found $q)" 曾国强; done
is "search shan" "$(found shan)" 单雄飞
is "search qiu" "$(found qiu)" 仇英杰
is "search ou" "$(found ou)" 区小姐
is "search xie" "$(found xie)" 解文博
is "search 𠮷" "$(found 𠮷)" 𠮷野家
for q in cqcc chongqing yinhang 长城银行 6660; do is "search $q" "$(found $q customer)" 重庆长城银行; done
is "entries of dictionaries do not stand before customers" "$(as admin search yinhang -o jsonl | jq -r .entity | sort -u)" customer
like "they are found when they are asked for" "$(as admin search yinhang --in dictionary-entry -o jsonl)" 银行
is "sorted by pinyin, surnames read right" "$(as admin contact list 'name in (阿强, 单雄飞, 王五, 曾国强)' --sort name -o jsonl | names)" "阿强 单雄飞 王五 曾国强"
Z=$(as admin contact list 'name = 曾国强' -o id)
as admin contact set "$Z" name_reading="ceng guo qiang" >/dev/null 2>&1
is "a corrected reading is found as well" "$(found ceng)" 曾国强
is "and sorts" "$(as admin contact list 'name in (阿强, 单雄飞, 王五, 曾国强)' --sort name -o jsonl | names)" "阿强 曾国强 单雄飞 王五"
is "a filter through a reference" "$(as admin contact list 'customer.city = 杭州' -o id | wc -l)" 8

like "the total and the pages are told" "$(as admin customer list --total -o tsv --limit 7 2>&1 >/dev/null)" '^guanxi: 21 records, 3 pages$'
is "a pipe that closes ends quietly" "$(as admin customer list --all -o jsonl 2>"$DIR/err" | head -n 1 | wc -l) $(cat "$DIR/err")" "1 "
is "csv is RFC 4180" "$(as admin customer list 'id = 1' -o csv --columns name,tags --no-header | tr -d '\r')" 阿强商行,重点
is "tsv" "$(as admin customer list 'id = 1' -o tsv --columns id,name --no-header)" "1	阿强商行"
is "json has items and next" "$(as admin customer list 'id = 1' -o json | jq -c 'keys')" '["items","next"]'
like "labels in Chinese" "$(as admin customer list 'id = 1' -o table --columns name --lang zh)" 客户名称
like "in English" "$(as admin customer list 'id = 1' -o table --columns name --lang en)" Name
like "messages in Chinese" "$(as admin customer show 99999 --lang zh 2>&1)" 无法显示.*没有编号为“99999”
like "what is wrong with fields too" "$(as admin customer add name=x postcode=1 phone=a --lang zh 2>&1 | tr '\n' ' ')" 'phone 不是电话号码.*postcode 不是六位数字'
like "and with filters" "$(as admin customer list 'nmae = 1' --lang zh 2>&1 | head -n 1)" '未知字段“nmae”,是否指“name”'

as admin schema customer -o json >"$DIR/schema"
is "the schema has both labels of every field" "$(jq '[.. | objects | select(has("label_zh")) | select((.label_zh | length) == 0 or (.label_en | length) == 0)] | length' "$DIR/schema")" 0
exits "schema --proto" 0 as admin schema customer --proto
printf '%s\n' "$OUT" >"$DIR/customer.proto"
is "is a message that protoc reads" "$(protoc --proto_path="$DIR" --descriptor_set_out=/dev/null "$DIR/customer.proto" 2>&1)" ""
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
