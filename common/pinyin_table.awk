# Makes build/gen/pinyin_table.c from Unicode's Unihan_Readings.txt. Runs with any awk in the C locale: text is bytes here.
# A character of the national standard list (kTGHZ2013) has the readings named there, the commonest first; any other one those of
# kHanyuPinlu and kMandarin.

BEGIN {
	FS = "\t"
	# Letters with marks as octal bytes: letter and tone.
	mark("\304\201", "a1"); mark("\303\241", "a2"); mark("\307\216", "a3"); mark("\303\240", "a4")
	mark("\304\223", "e1"); mark("\303\251", "e2"); mark("\304\233", "e3"); mark("\303\250", "e4")
	mark("\304\253", "i1"); mark("\303\255", "i2"); mark("\307\220", "i3"); mark("\303\254", "i4")
	mark("\305\215", "o1"); mark("\303\263", "o2"); mark("\307\222", "o3"); mark("\303\262", "o4")
	mark("\305\253", "u1"); mark("\303\272", "u2"); mark("\307\224", "u3"); mark("\303\271", "u4")
	mark("\307\226", "v1"); mark("\307\230", "v2"); mark("\307\232", "v3"); mark("\307\234", "v4")
	mark("\303\274", "v5"); mark("\303\252", "e5"); mark("\341\272\277", "e2"); mark("\341\273\201", "e4")
	mark("\305\204", "n2"); mark("\305\210", "n3"); mark("\307\271", "n4"); mark("\341\270\277", "m2")
	mark("\314\204", "1"); mark("\314\214", "3"); mark("\314\200", "4")

	# Readings of places and surnames that the source lacks (it knows those of simplified characters only) ...
	extra["516D"] = "lu4"           # 六安
	extra["4E50"] = "lao4"          # 乐亭
	extra["89E3"] = "hai4"          # 解州
	extra["55EF"] = "en4"           # 嗯
	extra["9ED1"] = "he4"           # 黑
	extra["80FD"] = "nai4"          # 能
	extra["5340"] = "ou1"           # 區
	extra["54E1"] = "yun4"          # 員
	extra["55AE"] = "shan4 chan2"   # 單
	extra["7E46"] = "miao4"         # 繆
	extra["84CB"] = "ge3"           # 蓋
	extra["9577"] = "chang2 zhang3" # 長
	extra["6A02"] = "le4 yue4"      # 樂
	extra["5EC8"] = "xia4 sha4"     # 廈
	extra["6703"] = "hui4 kuai4"    # 會
	extra["8ABF"] = "diao4 tiao2"   # 調
	extra["53C3"] = "can1 shen1"    # 參
	extra["50B3"] = "chuan2 zhuan4" # 傳
	# ... and the reading that is the commonest in names, though not in running text.
	first["957F"] = "chang2" # 长
	first["9577"] = "chang2" # 長
	first["884C"] = "hang2"  # 行
	first["90FD"] = "du1"    # 都
	first["5730"] = "di4"    # 地
	first["5F97"] = "de2"    # 得
	first["8FD8"] = "huan2"  # 还
	first["6CCA"] = "bo2"    # 泊
	first["62D3"] = "tuo4"   # 拓
}

function mark(bytes, plain)
{
	marked[++nmarked] = bytes
	letter[nmarked] = plain
}

# "chóng" -> "chong2"; no mark: tone 5.
function plain(s, i, at, tone)
{
	tone = 5
	for (i = 1; i <= nmarked; i++) {
		at = index(s, marked[i])
		if (at == 0)
			continue
		s = substr(s, 1, at - 1) substr(letter[i], 1, length(letter[i]) - 1) substr(s, at + length(marked[i]))
		tone = substr(letter[i], length(letter[i]))
	}
	return s ~ /^[a-z]+$/ ? s tone : ""
}

function hex(s, i, n)
{
	n = 0
	for (i = 1; i <= length(s); i++)
		n = n * 16 + index("0123456789ABCDEF", substr(s, i, 1)) - 1
	return n
}

# Appends a reading to the character's unless its syllable is there.
function add(reading, s)
{
	s = substr(reading, 1, length(reading) - 1)
	if (reading == "" || (s in have) || n >= 8)
		return
	have[s] = 1
	known[s] = 1
	list[++n] = reading
}

function add_all(readings, only, parts, k, i)
{
	k = split(readings, parts, " ")
	for (i = 1; i <= k; i++)
		if (only == "" || index(" " only " ", " " parts[i] " "))
			add(parts[i])
}

function flush_character(i)
{
	n = 0
	split("", have)
	add_all(first[code], "")
	add_all(pinlu, tghz)
	add_all(mandarin, tghz)
	add_all(tghz, "")
	add_all(extra[code], "")
	if (n > 0 && hex(code) <= last) {
		print "code points do not ascend at " code > "/dev/stderr"
		failed = 1
		exit 1
	}
	for (i = 1; i <= n; i++) {
		entry_code[++entries] = hex(code)
		entry_reading[entries] = list[i]
	}
	last = hex(code)
	tghz = pinlu = mandarin = ""
}

function readings(s, parts, k, i, out)
{
	gsub(/[0-9.,]+:/, "", s)
	gsub(/\([0-9]+\)/, "", s)
	k = split(s, parts, " ")
	out = ""
	for (i = 1; i <= k; i++)
		out = out " " plain(parts[i])
	return substr(out, 2)
}

/^U\+/ && ($2 == "kTGHZ2013" || $2 == "kHanyuPinlu" || $2 == "kMandarin") {
	if (substr($1, 3) != code) {
		if (code != "")
			flush_character()
		code = substr($1, 3)
	}
	if ($2 == "kTGHZ2013")
		tghz = readings($3)
	else if ($2 == "kHanyuPinlu")
		pinlu = readings($3)
	else
		mandarin = readings($3)
}

function print_syllables(s, i, j, t)
{
	count = 0
	for (s in known) {
		for (i = ++count; i > 1 && sorted[i - 1] > s; i--)
			sorted[i] = sorted[i - 1]
		sorted[i] = s
	}
	print "const char pinyin_syllable_text[][7] = {"
	for (i = 1; i <= count; i++) {
		number[sorted[i]] = i - 1
		printf "\"%s\",%s", sorted[i], i % 12 ? " " : "\n"
	}
	print "};"
	print "const size_t pinyin_syllable_total = " count ";"
}

END {
	if (failed)
		exit 1
	flush_character()
	if (entries < 40000) {
		print "too few readings: " entries > "/dev/stderr"
		exit 1
	}
	print "/* Made by common/pinyin_table.awk. */"
	print "#include \"common/pinyin_table.h\""
	print_syllables()
	print "const uint32_t pinyin_table[] = {"
	for (i = 1; i <= entries; i++) {
		s = entry_reading[i]
		tone = substr(s, length(s))
		s = substr(s, 1, length(s) - 1)
		printf "%d,%s", entry_code[i] * 4096 + number[s] * 8 + tone, i % 10 ? "" : "\n"
	}
	print "};"
	print "const size_t pinyin_table_total = " entries ";"
}
