#!/bin/bash
# How long files and functions may be, and what no source may contain.
# usage: limits.sh [ROOT]
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2
export LC_ALL=C
FILE_LINES=900
FUNCTION_LINES=80
MEDIAN_LINES=20
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

sources() { # FOLDER...
	find "$@" -name '*.[ch]' 2>/dev/null | sort
}

# length file:line, one a function: from the opening brace in the first column to the closing one.
functions() { # FOLDER...
	sources "$@" | grep '\.c$' | xargs -r awk '
		/^\{/ { start = FNR }
		/^\}$/ && start { print FNR - start + 1, FILENAME ":" start; start = 0 }'
}

never() { # NAME WORDS
	report "$1" "$(sources common server client tests | grep -v '^common/banned\.h$' | xargs -r grep -nHE "\\b($2)" |
		grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)')"
}

report "no file over $FILE_LINES lines" \
	"$(sources common server client tests | xargs -r wc -l | awk -v max=$FILE_LINES '$2 != "total" && $1 > max')"
report "no function over $FUNCTION_LINES lines" \
	"$(functions common server client tests | awk -v max=$FUNCTION_LINES '$1 > max')"
report "median function under $MEDIAN_LINES lines" \
	"$(functions common server client | sort -n | awk -v max=$MEDIAN_LINES '{ n[NR] = $1 } END { m = n[int((NR + 1) / 2)]; if (m >= max) print m " lines" }')"

never 'no dangerous functions' '(strcpy|strcat|strncpy|strncat|strtok|strtok_r|sprintf|vsprintf|gets|atoi|atol|gmtime|localtime|ctime|mktime|alloca|system|tmpnam|mktemp)\('
never 'no typedef for structs' 'typedef[[:space:]]+(struct|union|enum)\b[^(]*$'

# A variable outside of functions is constant, or of one thread and one use; pointers in it are constant too.
report 'no mutable variables at file scope' "$(sources common server client | xargs -r grep -nHE '^(static |extern )?[a-z_]+[a-z_0-9 *]*[ *][a-z_0-9]+(\[[^]]*\])*( = .*|;)$' |
	grep -vE ':((static|extern) )?const [^*]*( =|;|\[)|\* ?const |:typedef|:return|:(struct|enum|union) [a-z_0-9]+;$|_Atomic|_Thread_local|_fn [a-z_]+;$')"
report 'no mutable variables that outlive their function' "$(sources common server client | xargs -r grep -nHP '^[\t ]+static (?!const|_Thread_local|GOnce|gsize|_Atomic|pthread_once_t)' |
	grep -v '^common/zone\.c:')" # the one cache: zones by name, under a lock

report 'nothing unfinished' "$(sources common server client | xargs -r grep -nHE '\b(TODO|FIXME|XXX|HACK)\b')"
report 'no code in comments' "$(sources common server client | xargs -r grep -nHE '^[[:space:]]*//.*;[[:space:]]*$')"

exit $failed
