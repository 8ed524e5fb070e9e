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

if [ -f deploy/man/guanxi.1.scd ]; then
	OPTIONS=$("$BIN/guanxi" --help | sed -nE 's/^ *(-[a-zA-Z], )?(--[a-z-]+).*/\2/p')
	is "guanxi(1) has every global option" "$(missing "$(tr -d '*' <deploy/man/guanxi.1.scd)" $OPTIONS)" ""
fi

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
