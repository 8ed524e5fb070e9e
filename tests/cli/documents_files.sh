#!/bin/bash
# Documents with their files: the same bytes back, limits, undo and trash, who may read, nothing left of what failed.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

sum() { sha256sum <"$1" | cut -d ' ' -f 1; }
figures() { "$BIN/guanxid" check -D "$DIR/srv" | grep -oE '[0-9]+ damages|[0-9]+ files|[0-9]+ open uploads' | paste -sd ' '; }
head -c 1048576 /dev/urandom >"$DIR/报价 1.pdf"
head -c 20971521 /dev/urandom >"$DIR/large.bin"
head -c 3000000 /dev/urandom >"$DIR/middle.bin"
: >"$DIR/empty.txt"
as admin customer add name=杭州长河 phone=0571-88880000 >/dev/null 2>&1

exits "a file of 1 MB" 0 as admin document add customer=1 content=@"$DIR/报价 1.pdf" document_kind=quote -o id
D=$OUT
is "its name is the title" "$(as admin document show "$D" -o json | jq -r '.title, .file_name, .size, .sha256' | paste -sd '|')" \
	"报价 1.pdf|报价 1.pdf|1048576|$(sum "$DIR/报价 1.pdf")"
exits "comes back" 0 as admin document get "$D" "$DIR/back"
is "with the same bytes" "$(sum "$DIR/back")" "$(sum "$DIR/报价 1.pdf")"
exits "a file of 20 MB" 0 as admin document add record=customer:1 content=@"$DIR/large.bin" title=大 -o id
L=$OUT
is "belongs to the customer of its record" "$(as admin document show "$L" -o json | jq -r .customer)" 1
is "and comes back on standard output" "$(as admin document get "$L" - | sha256sum | cut -d ' ' -f 1)" "$(sum "$DIR/large.bin")"
exits "an empty file" 0 as admin document add customer=1 content=@"$DIR/empty.txt" -o id
E=$OUT
exits "comes back" 0 as admin document get "$E" --to "$DIR/back.empty"
is "empty" "$(stat -c %s "$DIR/back.empty")" 0
exits "from standard input it needs a title" 6 as admin document add customer=1 content=@-
is "and has one" "$(printf abc | as admin document add customer=1 content=@- title=管道 -o id >"$DIR/id" 2>/dev/null && as admin document get "$(cat "$DIR/id")" -)" abc

exits "a document needs its file" 6 as admin document add customer=1 title=x
like "which is said" "$ERR" 'content is missing'
exits "and text is none" 6 as admin document add customer=1 title=x content=text
exits "nor another one's hash" 6 as admin document add customer=1 title=x content=upload:"$(sum "$DIR/large.bin")"
exits "a file that is not there" 2 as admin document add customer=1 content=@"$DIR/none"
exits "a document of nothing" 6 as admin document add content=@"$DIR/empty.txt"
exits "a dry run" 0 as admin document add customer=1 content=@"$DIR/empty.txt" --dry-run
exits "the same key twice" 0 as admin document add customer=1 content=@"$DIR/empty.txt" --idempotency-key k1 -o id
FIRST=$OUT
exits "is one document" 0 as admin document add customer=1 content=@"$DIR/empty.txt" --idempotency-key k1 -o id
is "the first" "$OUT" "$FIRST"

as admin setting set document.max_mb value=1 >/dev/null 2>&1
exits "above the limit" 6 as admin document add customer=1 content=@"$DIR/large.bin"
like "the limit is named" "$ERR" 'larger than 1 MB'
exits "also when the size is not known before" 6 bash -c "cat '$DIR/large.bin' | GUANXI_CONFIG_DIR='$DIR/profile-admin' '$BIN/guanxi' document add customer=1 title=x content=@-"
exits "exactly the limit passes" 0 as admin document add customer=1 content=@"$DIR/报价 1.pdf" -o id
as admin setting set document.max_mb value=64 >/dev/null 2>&1

exits "another file for it" 0 as admin document set "$D" content=@"$DIR/empty.txt"
CHANGED=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*' | tail -n 1)
is "is read" "$(as admin document get "$D" - | wc -c)" 0
exits "undo" 0 as admin undo "$CHANGED"
is "brings the bytes back" "$(as admin document get "$D" - | sha256sum | cut -d ' ' -f 1)" "$(sum "$DIR/报价 1.pdf")"
is "and what follows from them" "$(as admin document show "$D" -o json | jq -r .sha256)" "$(sum "$DIR/报价 1.pdf")"
exits "in the trash" 0 as admin document delete "$D" -y
exits "it is not read" 3 as admin document get "$D" "$DIR/none.out"
is "and leaves no file" "$(ls "$DIR" | grep -c none.out)" 0
exits "it comes out again" 0 as admin document restore "$D"
is "with its bytes" "$(as admin document get "$D" - | sha256sum | cut -d ' ' -f 1)" "$(sum "$DIR/报价 1.pdf")"
exits "with its customer it goes" 0 as admin customer delete 1 -y
exits "" 3 as admin document get "$L" -
exits "and comes" 0 as admin customer restore 1
is "whole" "$(as admin document get "$L" - | sha256sum | cut -d ' ' -f 1)" "$(sum "$DIR/large.bin")"
is "an export has no bytes" "$(as admin document export "$DIR/out.csv" >/dev/null 2>&1; head -n 1 "$DIR/out.csv" | grep -cE '文件|File')" 0

# Who may read
as admin branch add code=hz name=杭州 >/dev/null 2>&1
user_add wang sales hz
user_add li sales hz
W=$(as wang customer add name=西湖 phone=0571-88881111 -o id 2>/dev/null)
S=$(as wang document add customer="$W" content=@"$DIR/报价 1.pdf" data_class=sensitive -o id 2>/dev/null)
exits "a sensitive file is not for a salesman" 4 as wang document get "$S" -
unlike "nor what stands of it in the record" "$(as wang document show "$S" -o json | jq -c .content)" 'pdf'
exits "for the administrator it is" 0 as admin document get "$S" "$DIR/back"
P=$(as wang document add customer="$W" content=@"$DIR/报价 1.pdf" -o id 2>/dev/null)
exits "the owner reads" 0 as wang document get "$P" "$DIR/back"
exits "others find nothing" 3 as li document get "$P" -
exits "a customer has no file" 2 as wang customer get "$W" -

# Two at once, and everything sound
as_background admin document add customer=1 content=@"$DIR/middle.bin" title=一 -o id >"$DIR/id1" 2>/dev/null
ONE=$!
as_background wang document add customer="$W" content=@"$DIR/middle.bin" title=二 -o id >"$DIR/id2" 2>/dev/null
TWO=$!
exits "others are served meanwhile" 0 as li customer list
wait "$ONE" && wait "$TWO"
is "two at once" "$(as admin document get "$(cat "$DIR/id1")" - | sha256sum; as wang document get "$(cat "$DIR/id2")" - | sha256sum)" \
	"$(sha256sum <"$DIR/middle.bin"; sha256sum <"$DIR/middle.bin")"
is "nothing is left of what failed" "$(figures)" "0 damages 11 files 0 open uploads"
server_stop
is "the backup has the files" "$("$BIN/guanxid" backup -D "$DIR/srv" "$DIR/backup" >/dev/null 2>&1; "$BIN/guanxid" check -D "$DIR/srv" | grep -oE '[0-9]+ files')" "11 files"
test_end
