# Makes build/gen/han_table.c from Unicode's Unihan_Variants.txt: of each traditional form the simplified one. Runs with any awk in the C locale.
# Where several are named the first other one counts: 乾, which is also a simplified form itself, goes with 干.

BEGIN { FS = "\t" }

$2 == "kSimplifiedVariant" {
	from = substr($1, 3)
	n = split($3, forms, " ")
	for (i = 1; i <= n && !(from in to); i++) {
		sub(/<.*/, "", forms[i])
		if (substr(forms[i], 3) != from) {
			to[from] = substr(forms[i], 3)
			order[++count] = from
		}
	}
}

# Code points are written with four digits or more: longer ones are larger.
function before(a, b)
{
	return length(a) != length(b) ? length(a) < length(b) : a < b
}

END {
	print "/* Made by common/han_table.awk. */"
	print "#include <stddef.h>"
	print "#include <stdint.h>"
	print "const uint32_t han_table[][2] = {"
	for (i = 1; i <= count; i++) {
		if (i > 1 && !before(order[i - 1], order[i])) {
			print "#error the source is not in order"
			exit 1
		}
		# a simplified form that is simplified once more
		form = to[order[i]]
		for (k = 0; k < 4 && form in to && to[form] != order[i]; k++)
			form = to[form]
		printf "\t{ 0x%s, 0x%s },\n", order[i], form
	}
	print "};"
	print "const size_t han_table_size = " count ";"
}
