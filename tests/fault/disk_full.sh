#!/bin/bash
# A disk or a map that is full refuses writes with exit 14 and nothing else: reads, logins and deletions of the filler go on.
. "$(dirname "$0")/../lib.sh"
test_begin
mkdir -m 700 "$DIR/srv"
trap 'umount -l "$DIR/srv" 2>/dev/null; test_cleanup' EXIT
HAS_DISK=1
mount -t tmpfs -o size=24m,mode=700 none "$DIR/srv" 2>/dev/null || HAS_DISK=
LONG=$(printf '满%.0s' {1..2000})

# fill : adds records until one is refused; the ids that were acknowledged go to $DIR/acknowledged
FILLED=0
fill() {
	local i
	FILLED=$((FILLED + 1))
	for i in $(seq 1 400); do
		printf '{"op": "add", "entity": "customer", "set": {"name": "填%d号%d", "phone": "0571-1%d%06d", "remarks": "%s"}}\n' "$FILLED" "$i" "$FILLED" "$i" "$LONG"
	done >"$DIR/lines"
	as admin batch "$DIR/lines" -o jsonl >"$DIR/answers" 2>/dev/null
}
stored() { as admin customer count 'name ~ 填'; }

refused_and_serving() { # refused_and_serving WHAT BEFORE
	local what=$1 good i
	good=$(grep -c '"status":"ok"' "$DIR/answers")
	is "$what: with nothing else" "$(jq -r '.status // .error.code' "$DIR/answers" | sort -u | tr '\n' ' ')" "ok storage_full "
	is "$what: what was acknowledged is there, and no more" "$(stored)" "$(($2 + good))"
	# a full map gives room now and then, when a merge of postings frees some
	local code=0
	for i in $(seq 1 60); do
		ERR=$(as admin customer add name="x$FILLED-$i" phone="0571-2$FILLED$((100000 + i))" remarks="$LONG$LONG$LONG$LONG" 2>&1 >/dev/null)
		code=$?
		[ $code -ne 0 ] && break
	done
	is "$what: a write is exit 14" "$code" 14
	like "$what: and says so" "$ERR" 'full'
	exits "$what: reads go on" 0 as admin customer show "$FIRST"
	exits "$what: lists" 0 as admin customer list 'city = 杭州' -o id
	is "$what: find it" "$OUT" "$FIRST"
	exits "$what: searches" 0 as admin search 长河 -o id
	is "$what: health" "$(as admin health -o json 2>/dev/null | jq -r .version)" "$("$BIN/guanxid" --version | grep -oE '[0-9.]+$')"
	exits "$what: whoever is logged in goes on" 0 as li whoami
}

begin() {
	server_init && server_start "$@" && login admin
	as admin branch add code=cd name=成都 >/dev/null 2>&1
	user_add li sales cd
	FIRST=$(as admin customer add name=杭州长河 phone=0571-88880000 city=杭州 -o id 2>/dev/null)
}

if [ -n "$HAS_DISK" ]; then
	begin
	free=$(df --output=avail -k "$DIR/srv" | tail -n 1)
	head -c "$(((free - 1500) * 1024))" /dev/zero >"$DIR/srv/filler"
	fill
	refused_and_serving "full disk" 0
	dd if=/dev/zero of="$DIR/srv/filler2" bs=4096 2>/dev/null
	exits "with not one block free a read goes on" 0 as admin customer show "$FIRST"
	exits "and a login" 0 as zhang login "$ADDRESS" -u li --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"
	rm "$DIR/srv/filler" "$DIR/srv/filler2"
	exits "with room again a write goes in, without a restart" 0 as admin customer add name=有地方了 phone=0571-87654321 remarks="$LONG"
	BEFORE=$(stored)
	server_kill
	server_start
	login admin
	is "after a crash all is there" "$(stored) $(as admin customer count 'name = 有地方了')" "$BEFORE 1"
	server_stop
	exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
	umount "$DIR/srv"
else
	printf 'ok - skipped: cannot mount\n'
fi

rm -rf "$DIR/srv" "$DIR"/profile-*
printf 'store.map_size = 16MiB\n' >"$DIR/conf"
begin --config "$DIR/conf"
ALL=0
for _ in 1 2 3 4 5 6 7 8; do
	BEFORE=$(stored)
	fill
	grep -q storage_full "$DIR/answers" && break
done
refused_and_serving "full map" "$BEFORE"
exits "full map: check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
server_stop
sed -i s/16MiB/48MiB/ "$DIR/conf"
server_start --config "$DIR/conf"
login admin
exits "with a larger map writes go on" 0 as admin customer add name=有地方了 phone=0571-87654321 remarks="$LONG"
head -c 64000000 /dev/zero >"$DIR/large"
exits "a file that does not fit is exit 14" 14 as admin document add customer="$FIRST" content=@"$DIR/large"
exits "and gives its room back" 0 as admin customer add name=又有了 phone=0571-87654322 remarks="$LONG"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
like "and nothing is left of the file" "$OUT" '0 files, 0 open uploads'
test_end
