#!/bin/bash
# Traditional and simplified forms of a character are found by each other, and are stored as entered.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
add() { as admin customer add "name=$1" "phone=$2" -o json 2>/dev/null | jq .id; }
T=$(add 台灣長榮國際股份有限公司 02-25000001)
S=$(add 上海长江电气有限公司 021-63000001)
D=$(add 乾元實業 02-25000002)

found() { as admin search "$1" --in customer -o id | sort -n | tr '\n' ' '; }
is "simplified finds traditional" "$(found 长荣国际) $(found 台湾)" "$T  $T "
is "traditional finds simplified" "$(found 長江) $(found 電氣)" "$S  $S "
is "each finds both" "$(found 长) $(found 長)" "$T $S  $T $S "
is "a filter too" "$(as admin customer list 'name ~ 国际' -o id) $(as admin customer list 'name ~ 電氣' -o id)" "$T $S"
is "and what does not contain it" "$(as admin customer count 'not name ~ 国际')" 2
is "readings are those of the character that stands there" "$(found changrong) $(found qianyuan) $(found qysy)" "$T  $D  $D "
is "it is stored as entered" "$(as admin customer show "$T" -o json | jq -r .name)" 台灣長榮國際股份有限公司
is "equal means equal" "$(as admin customer count 'name = 台湾长荣国际股份有限公司')" 0
exits "the other form of a name is a likely duplicate" 7 as admin customer add name=台湾长荣国际有限公司 phone=02-25000009
like "that names it" "$ERR" "$T"
exits "another name is none" 0 as admin customer add name=台湾长春国际有限公司 phone=02-25000008

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
