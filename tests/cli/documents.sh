#!/bin/bash
# The documents against the product: every command and option stands in its page, every file that is named exists.
. "$(dirname "$0")/../lib.sh"
test_begin
cd "$ROOT" || exit 1

PAGE=$(tr -d '*' <deploy/man/guanxid.8.scd)
missing() { # TEXT WORD... : those that do not stand in it
	local text=$1 word
	shift
	for word in "$@"; do
		grep -qF -- "$word" <<<"$text" || printf '%s ' "$word"
	done
}

COMMANDS=$("$BIN/guanxid" --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
like "guanxid has commands" "$COMMANDS" restore
PAGE_COMMANDS=$(sed -nE 's/^\*([a-z]+)( [a-z]+)?\*( .*)?$/\1/p' deploy/man/guanxid.8.scd | sort -u)
is "guanxid(8) has every command" "$(comm -23 <(sort -u <<<"$COMMANDS") - <<<"$PAGE_COMMANDS")" ""
OPTIONS=$("$BIN/guanxid" --help | grep -oE -- '--[a-z-]+' | sort -u)
is "and every option" "$(missing "$PAGE" $OPTIONS)" ""
ROWS=$("$BIN/guanxid" options | sed -nE 's/^#([a-z._]+) = .*/\1/p')
like "the configuration has options" "$ROWS" log.level
is "and every option of the configuration" "$(missing "$PAGE" $ROWS | tr -d '\n')" ""
for row in connections.handshake_seconds connections.login_seconds connections.max; do
	value=$("$BIN/guanxid" options | sed -nE "s/^#$row = \"(.*)\"/\1/p")
	is "with the default of $row" "$(grep -cF "*$row* ($value)" deploy/man/guanxid.8.scd)" 1
done

# The client: "guanxi ENTITY merge ..." of the help stands in the page as *guanxi* _ENTITY_ *merge*.
PAGE=$(tr -d '*_\\' <deploy/man/guanxi.1.scd)
"$BIN/guanxi" --help | sed -nE 's/^  (guanxi [a-zA-Z]+( [a-z]+)?).*/\1/p' | sort -u >"$DIR/commands"
like "guanxi has commands" "$(cat "$DIR/commands")" "guanxi ENTITY merge"
while read -r words; do
	grep -qwF -- "$words" <<<"$PAGE" || printf '%s, ' "$words"
done <"$DIR/commands" >"$DIR/unknown"
is "guanxi(1) has every command" "$(cat "$DIR/unknown")" ""
OPTIONS=$(sed -nE 's/^\t\{ "([a-z-]+)", .*OPTION_[A-Z]+,.*/--\1/p' client/options.c)
like "guanxi has options" "$OPTIONS" "--take"
is "and every option" "$(missing "$PAGE" $OPTIONS)" ""

# Operations: tests/interop/protocol_text_test.py asks for their rows; here what they read from a request.
PROTOCOL=$(cat proto/PROTOCOL.md)
ARGUMENTS=$(cat server/op/*.c | grep -oE 'arg(_[a-z]+)?\([^"()]*, "[a-z_0-9]+"' | sed -E 's/.*"(.*)"/`\1`/' | sort -u)
like "operations take arguments" "$ARGUMENTS" '`take`|`force`'
is "PROTOCOL.md has every argument" "$(missing "$PROTOCOL" $ARGUMENTS)" ""

# Settings: the runbook says which of them the server looks at.
RUNBOOK=$(cat deploy/RUNBOOK.md)
SETTINGS=$(sed -nE 's/^\t\{ "([a-z._]+)", ".*/\1/p' server/model/settings.c)
like "the server has settings" "$SETTINGS" trash.days
is "the runbook has every setting" "$(missing "$RUNBOOK" $SETTINGS)" ""
IDLE=$(grep '^Without effect so far' deploy/RUNBOOK.md)
for name in $SETTINGS; do
	case $name in required.*) continue ;; esac # "required.customer." and the kind
	read=no idle=no
	grep -rqF --include='*.[ch]' --exclude=settings.c "$name" server && read=yes
	grep -qF "\`$name\`" <<<"$IDLE" && idle=yes
	[ $read = $idle ] && printf '%s ' "$name"
done >"$DIR/unknown"
is "and says which have no effect" "$(cat "$DIR/unknown")" ""

VALUES=$(grep -oE '(number|instant|reply_value)\([^"()]*, "[a-z_]+"|\{ "[a-z_]+_bytes"' server/op/health.c | sed -E 's/.*"(.*)"/`\1`/' | sort -u)
like "health has values" "$VALUES" store_bytes
is "the runbook has every value of health" "$(missing "$RUNBOOK" $VALUES)" ""

# Words in back quotes that look like a file of the tree.
for page in README.md CONTRIBUTING.md ARCHITECTURE.md proto/PROTOCOL.md deploy/RUNBOOK.md; do
	gone=
	for file in $(grep -v 'no `' "$page" | grep -oE '`[a-z_/]+[a-z_0-9]+\.(c|h|sh|py|md|proto|lock|conf|service)`' | tr -d '`' | sort -u); do
		[ -n "$(find . -path ./build -prune -o -path "*/$file" -print -quit)" ] || gone="$gone $file"
	done
	is "every file that $page names exists" "$gone" ""
	gone=
	for link in $(grep -oE '\]\([A-Za-z/_]+\.md\)' "$page" | tr -d '()]'); do
		[ -f "$(dirname "$page")/$link" ] || gone="$gone $link"
	done
	is "every link of $page leads somewhere" "$gone" ""
done

# Functions that the tour names.
for name in $(grep -oE '`[a-z]+(_[a-z]+)+`' ARCHITECTURE.md | tr -d '`' | sort -u); do
	grep -rqw "$name" common server client tests || printf '%s\n' "$name"
done >"$DIR/unknown"
is "every name in the tour stands in the code" "$(cat "$DIR/unknown")" ""
test_end
