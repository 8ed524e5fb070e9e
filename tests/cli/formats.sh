#!/bin/bash
# Forms of files: vCards 2.1 to 4.0 in and out, sheets with typed cells, whatever separates and quotes, refused rows in the form of the input.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
DATA=$ROOT/tests/data/vcard
field() { as admin contact list "name = $1" --columns "$2" -o jsonl 2>/dev/null | jq -r ".$2 // empty"; }

as admin customer add name=杭州长河 phone=0571-88880000 >/dev/null 2>&1
as admin customer add 'name=Ann, Bob & Co; Ltd' phone=0571-88880009 >/dev/null 2>&1

exits "a telephone's card of version 2.1" 0 as admin contact import "$DATA/phone-2.1.vcf"
is "quoted-printable in UTF-8" "$(field 欧阳修 job_title)" 经理
is "and in GBK, as the card says" "$(field 欧阳修 department)" 采购部
is "numbers by their kind" "$(for f in mobile office_phone home_phone fax; do field 欧阳修 $f; done | tr '\n' ' ')" "13800000001 0571-88880001 0571-66660001 0571-88880002 "
is "a number that has no field is kept, and the folded note is whole" "$(field 欧阳修 remarks | tr '\n' '|')" 'TEL (CELL): 13900000001|第一行|第二行,很长的备注写到这里要折行|'
is "the organisation is the customer" "$(as admin contact count '客户.name = 杭州长河')" 1

exits "an address book of version 3.0" 0 as admin contact import "$DATA/address-book-3.0.vcf"
is "a name without FN" "$(field '"John Quincy Smith"' salutation)" Dr.
is "a birthday without its year" "$(field '"John Quincy Smith"' birthday)" 02-29
is "escapes and folded lines" "$(field '"John Quincy Smith"' remarks | sed -n 's/.*\(with a comma.*\)/\1/p')" 'with a comma, a semicolon; a backslash \ and'
is "an address in one line" "$(field '"John Quincy Smith"' home_address)" '1 Main Street Suite 5, Springfield, IL, USA'
is "numbers without a kind: mobiles are known by their digits" "$(field 李四 mobile) $(field 李四 office_phone)" "13700000002 0571-88880003"
is "a birthday that is none stays to be read" "$(field 李四 remarks)" 'BDAY: 1990-05'

exits "version 4.0 with a group and an unknown organisation" 11 as admin contact import "$DATA/contacts-4.0.vcf" --rejects "$DIR/rejects.vcf"
is "a number with an extension" "$(field 王五 office_phone)" '+86-571-88880004转12'
is "a day without a year" "$(field 王五 birthday)" 02-29
is "a Chinese address" "$(field 王五 home_address)" '中国浙江杭州解放路 1 号'
like "a refused card keeps its reason" "$(cat "$DIR/rejects.vcf")" 'X-REJECT-REASON:customer is not a known customer'
exits "with --set the organisation is not looked up" 11 as admin contact import "$DIR/rejects.vcf" --set '客户=@name:杭州长河' --rejects "$DIR/rejects2.vcf"
is "the mended card is in, lunar birthday and all" "$(field 赵六 birthday) $(field 赵六 remarks)" "lunar:1987-L06-01 喜欢茶"
is "the reason stands once in each" "$(grep -c X-REJECT-REASON "$DIR/rejects2.vcf")" 1
for n in 10 11; do as admin customer add name=同名 phone=0571-888800$n --force --reason 同名 >/dev/null 2>&1; done
printf 'BEGIN:VCARD\nVERSION:3.0\nFN:某人\nORG:同名\nEND:VCARD\n' >"$DIR/two.vcf"
exits "an organisation that is two customers is nobody's guess" 11 as admin contact import "$DIR/two.vcf"
like "and the reason says so" "$ERR" 'names 2 customer records'

for form in vcf vcf4; do
	exits "export $form" 0 as admin contact export "$DIR/$form.vcf" --format $form --sort id
	unlike "no line is longer than 75 bytes" "$(LC_ALL=C awk '{ sub(/\r$/, ""); if (length($0) > 75) print }' "$DIR/$form.vcf")" .
	as admin contact list --all --sort id -o jsonl 2>/dev/null | jq -c 'del(.id, .version, .created_at, .updated_at)' >"$DIR/before"
	as admin contact set --where 'external_id is not empty' external_id= -y >/dev/null 2>&1
	for id in $(as admin contact list --all --sort -id -o id 2>/dev/null); do as admin contact delete "$id" -y >/dev/null 2>&1; done
	exits "and import it again" 0 as admin contact import "$DIR/$form.vcf"
	as admin contact list --all --sort id -o jsonl 2>/dev/null | jq -c 'del(.id, .version, .created_at, .updated_at)' >"$DIR/after"
	is "nothing is lost" "$(diff "$DIR/before" "$DIR/after")" ""
done
exits "what has no numbers has no cards" 2 as admin team export "$DIR/none.vcf"

# sheets
printf 'name,phone,annual_revenue,employee_count,birthday,archived,remarks,city\n' >"$DIR/x.csv"
printf '表格公司,+86 571 88887777,1234.50,42,1987-07-26,no,=1+1,_x0041_<&>\n' >>"$DIR/x.csv"
as admin customer import "$DIR/x.csv" >/dev/null 2>&1
exits "export xlsx" 0 as admin customer export "$DIR/x.xlsx" 'name = 表格公司' --columns name,phone,annual_revenue,employee_count,archived,remarks,city,created_at --lang zh
cat >"$DIR/sheet.py" <<'PY'
import sys, zipfile, re
import xml.etree.ElementTree as T
book = zipfile.ZipFile(sys.argv[1])
assert book.testzip() is None
ns = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
for name in sorted(n for n in book.namelist() if n.startswith("xl/worksheets/sheet")):
    for row in T.fromstring(book.read(name)).findall(".//m:row", ns):
        cells = []
        for c in row.findall("m:c", ns):
            text = "".join(t.text or "" for t in c.findall(".//m:t", ns))
            value = c.find("m:v", ns)
            cells.append("%s:%s" % (c.get("t", "n"), text if value is None else value.text))
        print("|".join(cells))
PY
ROWS=$(/usr/bin/python3 "$DIR/sheet.py" "$DIR/x.xlsx")
is "labels" "$(sed -n 1p <<<"$ROWS")" 'inlineStr:客户名称|inlineStr:电话|inlineStr:年收入|inlineStr:员工人数|inlineStr:已归档|inlineStr:备注|inlineStr:城市|inlineStr:创建时间'
like "numbers are numbers, text is text" "$(sed -n 2p <<<"$ROWS")" '^inlineStr:表格公司\|inlineStr:\+86 571 88887777\|n:1234\.5\|n:42\|b:0\|inlineStr:=1\+1\|inlineStr:_x005F_x0041_<&>\|n:4[0-9]{4}\.[0-9]+$'
is "only its owner can read it" "$(stat -c %a "$DIR/x.xlsx")" 600
exits "a sheet does not go to a pipe" 2 as admin customer export - --format xlsx
exits "a sheet has no other encoding" 2 as admin customer export "$DIR/y.xlsx" --encoding gb18030

# what separates and quotes
printf "'name';'phone';'remarks'\n'分号;公司';'0571-1234567';'it''s'\n" >"$DIR/quoted.csv"
exits "semicolons and single quotes are found out" 0 as admin customer import "$DIR/quoted.csv" --set 城市=衢州
is "as they are meant" "$(as admin customer list '城市 = 衢州' -o jsonl | jq -r '.name + " " + .remarks')" "分号;公司 it's"
printf 'name\tphone\nq"x\t0571-1234569\nnone\tabc\n' >"$DIR/plain.tsv"
exits "tabs, and quotes that are part of the text" 11 as admin customer import "$DIR/plain.tsv" --quote none --rejects "$DIR/rejects.tsv"
is "are text" "$(as admin customer count 'name = "q\"x"')" 1
is "refused rows have the input's separator and line end" "$(cat -A "$DIR/rejects.tsv" | cut -d^ -f1-3 | head -n 2)" $'name^Iphone^Ireject_reason$\nnone^Iabc^Iphone is not a phone number$'
exits "the rejects must not overwrite the input" 2 as admin customer import "$DIR/plain.tsv" --rejects "$DIR/plain.tsv"
printf 'name#phone\n井号#0571-1234570\n' >"$DIR/hash.csv"
exits "any character separates" 0 as admin customer import "$DIR/hash.csv" --separator '#'
exits "but one only" 2 as admin customer import "$DIR/hash.csv" --separator '##'
printf 'name,phone\na\rb,0571-1234571\n好,0571-1234572\n' >"$DIR/cr.csv"
exits "a carriage return inside a row refuses the row" 11 as admin customer import "$DIR/cr.csv"
like "with its place" "$ERR" 'line 2: carriage return inside a row at column 2'
printf 'name,phone\r\n混合一,0571-1234573\n混合二,0571-1234574\r\n' >"$DIR/mixed.csv"
exits "mixed line ends are line ends" 0 as admin customer import "$DIR/mixed.csv"
is "two rows" "$(as admin customer count 'name in (混合一, 混合二)')" 2
for enc in UTF-16LE UTF-16BE; do
	printf 'name,phone,email\r\n无标记%s,,%s@example.com\r\n' $enc $enc | iconv -t $enc >"$DIR/unmarked.csv"
	exits "$enc without its mark is found out" 0 as admin customer import "$DIR/unmarked.csv"
	is "and read" "$(as admin customer count "name = 无标记$enc")" 1
done
exits "two columns of one field" 6 as admin customer import <(printf 'name,客户名称,phone\na,b,0571-1\n') --format csv
like "are named" "$ERR" 'name has two columns'

# JSON lines
printf '{"name":"x1","phon":"1","foo":2}\n{"name":"x2","reject_reason":"old"}\n{"name":"x3","city":{"a":1}}\nnope\n{"电话":"0571-1234576","客户名称":"标签"}\n' >"$DIR/j.jsonl"
exits "JSON lines with faults" 11 as admin customer import "$DIR/j.jsonl" --rejects "$DIR/rj.jsonl"
is "labels are names of members too" "$(as admin customer count 'name = 标签')" 1
is "every fault of a line at once" "$(head -n 1 "$DIR/rj.jsonl" | jq -r .reject_reason)" 'phon is no field of customer; did you mean "phone"?; foo is no field of customer'
is "the reason stands once" "$(grep -c 'x2.*reject_reason.*reject_reason' "$DIR/rj.jsonl")" 0
jq -c 'select(.name == "x2") | .phone = "0571-1234577"' <(grep x2 "$DIR/rj.jsonl") >"$DIR/mended.jsonl"
exits "a mended line is taken" 0 as admin customer import "$DIR/mended.jsonl"
iconv -t GB18030 <<<'{"name":"国标","phone":"0571-1234578"}' >"$DIR/gb.jsonl"
exits "JSON lines in GB18030" 0 as admin customer import "$DIR/gb.jsonl"
is "too" "$(as admin customer count 'name = 国标')" 1
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
