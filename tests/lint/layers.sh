#!/bin/bash
# The layers of ARCHITECTURE.md: who may include whom, and what nobody may use.
# usage: layers.sh [ROOT]
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2
export LC_ALL=C
failed=0

report() { # NAME BREACHES
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
		failed=1
	fi
}

# file:line:text of every #include; comments do not count.
includes() { # FOLDER...
	find "$@" -name '*.[ch]' -exec grep -HnE '^#[[:space:]]*include' {} + 2>/dev/null
}

only_in() { # NAME HEADER_PATTERN FILE_PATTERN
	report "$1" "$(includes common server client | grep -E "include[[:space:]]*[<\"]($2)" | grep -vE "^($3)")"
}

# A folder may include of our own headers only these.
folder() { # FOLDER ALLOWED_PATTERN
	report "$1 includes only what it may" \
		"$(includes "$1" | grep -E 'include[[:space:]]*"' | grep -vE "include[[:space:]]*\"($2)")"
}

never() { # NAME WORDS FOLDER...
	local name=$1 words=$2
	shift 2
	report "$name" "$(grep -rnE --include='*.[ch]' "\\b($words)\\b" "$@" 2>/dev/null |
		grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)')"
}

folder common 'common/|guanxi\.pb-c\.h|pinyin_table\.h'
folder server/loop 'server/loop/|common/'
folder server/net 'server/(net|loop|call)/|server/(server|log_line)\.h|common/|guanxi\.pb-c\.h'
# The feed of a watching session reads inboxes; inbox.h knows only the store.
folder server/call 'server/(call|loop|model|store)/|server/remind/inbox\.h|server/(server|log_line)\.h|common/|guanxi\.pb-c\.h'
folder server/store 'server/store/|common/'
folder server/model 'server/(model|store)/|common/|guanxi\.pb-c\.h'
meaning='server/(op|remind|report|model|store|call)/|server/server\.h|common/|guanxi\.pb-c\.h'
folder server/op "$meaning"
[ -d server/report ] && folder server/report "$meaning"
folder server/remind "$meaning|server/loop/loop\.h|server/log_line\.h" # the timer that sleeps until the next one is due, and says when one cannot fire
[ -d client ] && folder client 'client/|common/|guanxi\.pb-c\.h'

# The helper that sends mail calls the admin socket like a command.
folder server/notify 'server/notify/|common/|server/console\.h|guanxi\.pb-c\.h'

only_in 'libcurl only in notify' 'curl/' 'server/notify/smtp\.c:|server/notify/main\.c:'
only_in 'LMDB only in engine_lmdb.c' 'lmdb\.h' 'server/store/engine_lmdb\.c:'
only_in 'ncurses only in client/tui' 'n?cursesw?[./]' 'client/tui/'
only_in 'OpenSSL only in tls, stream, secret and conn' 'openssl/' 'common/tls|server/net/stream|server/call/secret|client/conn'
only_in 'libevent only in loop, net, the server itself and the client' 'event2/' 'server/(loop|net)/|server/[a-z_]*\.[ch]:|client/'
# The clock and the zones are asked from any thread: they hold a lock and start nothing.
only_in 'threads only in loop, the workers of net, the writer and the server itself' 'pthread\.h' 'common/(clock|zone)\.c:|server/loop/|server/net/(net|worker)|server/call/(writer|dispatch)|server/[a-z_]*\.[ch]:'

never 'every commit reaches the disk' 'MDB_NOSYNC|MDB_NOMETASYNC|MDB_MAPASYNC|MDB_WRITEMAP' common server client
never 'evhttp, evdns and evrpc stay out' 'evhttp[a-z_]*|evdns[a-z_]*|evrpc[a-z_]*|event2/(http|dns|rpc)[a-z_]*' common server client
never 'no GObject, no GIO' 'g_object_[a-z_]*|gio/[a-z_]*|g_main_loop_[a-z_]*' common server client

# Words of the envelope (user, operation, the event reminder, team of today) are no entities there. The table of convenience commands may name them.
entities=$(cut -d' ' -f1 tests/lint/schema.lock | sort -u | grep -vxE 'user|operation|reminder|team' | paste -sd'|')
report 'no entity names in the client' "$(grep -rnE --include='*.[ch]' "\"($entities)\"" client 2>/dev/null |
	grep -vE '^client/(commands|shortcuts)[a-z_]*\.[ch]:')"

exit $failed
