#!/bin/bash
# The lint must be able to fail: every breach planted in a scratch copy of the sources is found, by its own rule.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

copy() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/tests" "$work/tree/client/tui"
	cp -r "$root"/common "$root"/server "$work/tree/"
	[ -d "$root/client" ] && cp -r "$root/client" "$work/tree/"
	cp -r "$root/tests/lint" "$root/tests/unit" "$work/tree/tests/"
}

# The rule fails with the breach and not for another reason: the planted file is named under it.
finds() { # SCRIPT RULE FILE TEXT
	local file=$work/tree/$3 out
	mkdir -p "$(dirname "$file")"
	printf '%b' "$4" >"$file"
	out=$("$root/tests/lint/$1" "$work/tree")
	local code=$?
	rm "$file"
	if [ $code -ne 0 ] && grep -A40 -F "not ok - $2" <<<"$out" | sed '1d;/^#/!q' | grep -q "${5:-$3}"; then
		echo "ok - $1 finds: $2 ($3)"
	else
		echo "not ok - $1 does not find: $2 ($3)"
		failed=1
	fi
}

lines() { # COUNT TEXT
	for ((i = 0; i < $1; i++)); do printf '%s\\n' "$2"; done
}

copy
finds layers.sh 'common includes only what it may' common/planted.c '#include "server/loop/loop.h"\n'
finds layers.sh 'server/loop includes only what it may' server/loop/planted.c '#include "server/call/call.h"\n'
finds layers.sh 'server/net includes only what it may' server/net/planted.c '#include "server/store/store.h"\n'
finds layers.sh 'server/call includes only what it may' server/call/planted.c '#include "server/op/op.h"\n'
finds layers.sh 'server/store includes only what it may' server/store/planted.h '#include "server/model/model.h"\n'
finds layers.sh 'server/model includes only what it may' server/model/planted.c '#include "server/call/call.h"\n'
finds layers.sh 'server/op includes only what it may' server/op/planted.c '# include "server/loop/loop.h"\n'
finds layers.sh 'server/remind includes only what it may' server/remind/planted.c '#include "server/net/net.h"\n'
finds layers.sh 'client includes only what it may' client/planted.c '#include "server/server.h"\n'
finds layers.sh 'LMDB only in engine_lmdb.c' server/store/planted.c '#include <lmdb.h>\n'
finds layers.sh 'ncurses only in client/tui' client/planted.c '#include <ncursesw/curses.h>\n'
finds layers.sh 'OpenSSL only in tls, stream, secret and conn' server/op/planted.c '#include <openssl/ssl.h>\n'
finds layers.sh 'libevent only in loop' server/op/planted.c '#include <event2/event.h>\n'
finds layers.sh 'threads only in loop' common/planted.c '#include <pthread.h>\n'
finds layers.sh 'every commit reaches the disk' server/store/planted.c 'int f = MDB_NOSYNC;\n'
finds layers.sh 'evhttp, evdns and evrpc stay out' server/net/planted.c '#include <event2/http.h>\n'
finds layers.sh 'no GObject, no GIO' common/planted.c '#include <gio/gio.h>\n'
finds layers.sh 'no entity names in the client' client/planted.c 'const char *e = "customer";\n'

finds limits.sh 'no file over 900 lines' common/planted.c "$(lines 901 '')"
finds limits.sh 'no function over 80 lines' server/planted.c "int f(void)\n{\n$(lines 79 '	g();')}\n"
finds limits.sh 'median function under 20 lines' common/planted.c \
	"$(for ((n = 0; n < 4000; n++)); do printf 'int f(void)\\n{\\n%s}\\n' '\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n'; done)" '20 lines'
finds limits.sh 'no dangerous functions' client/planted.c 'void f(void)\n{\n\tstrcpy(a, b);\n}\n'
finds limits.sh 'no typedef for structs' common/planted.h 'typedef struct foo foo_t;\n'
finds limits.sh 'no mutable variables at file scope' common/planted.c 'static int counter;\n'
finds limits.sh 'no mutable variables at file scope' common/planted.c 'struct server *the_server = NULL;\n'
finds limits.sh 'no mutable variables at file scope' common/planted.c 'static const char *name;\n'
finds limits.sh 'no mutable variables that outlive' common/planted.c 'int f(void)\n{\n\tstatic int n;\n\treturn n++;\n}\n'
finds limits.sh 'nothing unfinished' common/planted.c '/* TODO */\n'
finds limits.sh 'no code in comments' common/planted.c '// f(x);\n'
exit $failed
