#!/bin/bash
# Import and export: four encodings give the same rows, nothing is guessed, rejected rows come back with a reason.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
DATA=$ROOT/tests/data

exits "a file of Excel on Chinese Windows" 0 as admin customer import "$DATA/customers-excel-zh.csv"
is "all of it" "$(as admin customer count)" 320
like "the summary adds up" "$ERR$OUT" '320'
is "a four-byte character of GB18030" "$(as admin customer list 'name = 㐂乐食品' -o jsonl | jq -r .name)" 㐂乐食品
like "a quoted cell with a comma" "$(as admin customer list 'remarks is not empty' --limit 1 -o jsonl | jq -r .remarks)" '^第[0-9]+号, 展会上认识$'
OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*' | tail -n 1)
exits "the import can be undone" 0 as admin undo "$OPERATION"
is "as a whole" "$(as admin customer count)" 0

head -n 41 <(iconv -f GB18030 -t UTF-8 "$DATA/customers-excel-zh.csv") >"$DIR/utf8.csv"
iconv -t GB18030 "$DIR/utf8.csv" >"$DIR/gb18030.csv"
{ printf '\xef\xbb\xbf' && cat "$DIR/utf8.csv"; } >"$DIR/bom.csv"
iconv -t UTF-16 "$DIR/utf8.csv" >"$DIR/utf16.csv"
for f in utf8 gb18030 bom utf16; do
	exits "import $f" 0 as admin customer import "$DIR/$f.csv"
	OPERATION=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*' | tail -n 1)
	as admin customer list --sort id --all -o jsonl | jq -c 'del(.id, .version, .created_at, .updated_at, .customer_number)' >"$DIR/$f.rows"
	as admin undo "$OPERATION" >/dev/null 2>&1
done
for f in gb18030 bom utf16; do is "$f gives the same rows as utf-8" "$(cmp "$DIR/utf8.rows" "$DIR/$f.rows" && wc -l <"$DIR/$f.rows")" 40; done

exits "Northwind with a mapping: 24 addresses have a comma and no quotes" 11 as admin customer import "$DATA/northwind-customers.csv" --null NULL --rejects "$DIR/nw.csv" --map customerID=external_id \
	--map companyName=name --map contactName=person_in_charge --map contactTitle=job_title --map region=province --map postalCode=postcode
is "67 rows are in" "$(as admin customer count)" 67
like "the others are kept with their reason" "$(sed -n 2p "$DIR/nw.csv")" 'BLONP.*has 12 cells, the header has 11'

is "accents" "$(as admin customer list 'external_id = ANATR' -o jsonl | jq -r .city)" "México D.F."
is "NULL is empty" "$(as admin customer list 'external_id = ANATR' -o jsonl | jq 'has("fax"), has("province")' | tr '\n' ' ')" "true false "
exits "an unknown column is suggested" 6 as admin customer import "$DATA/northwind-customers.csv"
like "by name" "$ERR" 'companyName'

printf '客户名称,电话\n好,0571-11112222\n坏\x80,0571-22223333\n又好,0571-33334444\n' | iconv -f UTF-8 -t GB18030 -c >/dev/null
{ printf '客户名称,电话\n好公司,0571-11112222\n' | iconv -t GB18030; printf 'x\x80y,0571-22223333\n'; printf '又好,0571-33334444\n坏电话,abc\n' | iconv -t GB18030; } >"$DIR/bad.csv"
exits "undecodable bytes and bad values reject their rows only" 11 as admin customer import "$DIR/bad.csv" --encoding gb18030 --rejects "$DIR/rejects.csv"
is "the good ones are in" "$(as admin customer count 'name in (好公司, 又好)')" 2
like "line and column are named" "$ERR$(iconv -f GB18030 -t UTF-8 -c "$DIR/rejects.csv")" 'line 3|column 2'
like "the rejects file has a reason, in the input's encoding" "$(iconv -f GB18030 -t UTF-8 -c "$DIR/rejects.csv")" '坏电话,abc,.*phone'
is "and both rows" "$(iconv -f GB18030 -t UTF-8 -c "$DIR/rejects.csv" | wc -l)" 3
LC_ALL=C sed -e 's/\x80//' "$DIR/rejects.csv" >"$DIR/mended.csv"
exits "a byte that cannot be decoded is kept as it was" 0 env LC_ALL=C grep -qaP '^x\x80y,0571' "$DIR/rejects.csv"
exits "the mended rejects" 11 as admin customer import "$DIR/mended.csv" --encoding gb18030
is "can be imported" "$(as admin customer count 'name = xy')" 1
printf 'name,phone\n一,0571-1111111\n二,0571-2222222\n\xff,0571-2222222\n' >"$DIR/neither.csv"
exits "a file in no encoding" 6 as admin customer import "$DIR/neither.csv"
like "is told by the encoding that came further" "$ERR" 'line 4, column 1'
printf 'name,phone\na,0571-1111111\nb,0571-2222222,extra\n"c,0571-3333333\n' >"$DIR/broken.csv"
exits "an extra column and an unclosed quote are row errors" 11 as admin customer import "$DIR/broken.csv"

printf 'external_id,name,phone\nk1,甲公司,0571-7111111\nk2,乙公司,0571-7222222\n' >"$DIR/key.csv"
as admin customer import "$DIR/key.csv" --key external_id >/dev/null 2>&1
exits "the same file again with a key" 0 as admin customer import "$DIR/key.csv" --key external_id --on-conflict update -o json
is "changes nothing" "$(as admin customer count 'external_id in (k1, k2)')" 2
is "not even versions" "$(as admin customer list 'external_id in (k1, k2)' -o jsonl | jq .version | tr '\n' ' ')" "1 1 "
exits "without permission to update it is a duplicate" 11 as admin customer import "$DIR/key.csv" --key external_id
BEFORE=$(as admin customer count)
exits "a dry run" 0 as admin customer import "$DATA/customers-excel-zh.csv" --dry-run
is "changes nothing" "$(as admin customer count)" "$BEFORE"

exits "export csv" 0 as admin customer export "$DIR/out.csv" 'external_id in (k1, k2)' --lang zh
like "with labels in the chosen language" "$(head -n 1 "$DIR/out.csv")" '客户名称'
exits "export gb18030" 0 as admin customer export "$DIR/out-gb.csv" 'external_id in (k1, k2)' --encoding gb18030 --lang zh
is "the same rows" "$(iconv -f GB18030 -t UTF-8 "$DIR/out-gb.csv" | cmp - "$DIR/out.csv" && echo same)" same
exits "a name that asks for a form that is not there is refused" 2 as admin customer export "$DIR/out.pdf" --format pdf
is "and makes no file" "$(ls "$DIR"/out.pdf* 2>/dev/null)" ""
exits "export jsonl" 0 as admin customer export "$DIR/out.jsonl" --format jsonl
is "has every row" "$(wc -l <"$DIR/out.jsonl")" "$BEFORE"
printf 'name,phone,remarks\n公式,0571-5555555,=1+1\n' | as admin customer import - >/dev/null 2>&1
is "formulas are made harmless in csv" "$(as admin customer export - 'name = 公式' --columns remarks --no-header | tr -d "\r")" "'=1+1"
is "and come back as they were" "$(as admin customer export "$DIR/f.csv" 'name = 公式' --columns name,phone,remarks 2>/dev/null
	as admin customer import "$DIR/f.csv" -o json 2>/dev/null >&2
	as admin customer list 'name = 公式' -o jsonl | jq -r .remarks | sort -u)" "=1+1"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
