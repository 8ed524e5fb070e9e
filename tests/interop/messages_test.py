#!/usr/bin/python3
"""What users read is there in Chinese: every message of the server's checks fits a pattern, every one of the client is translated."""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Tap

CALL = re.compile(r"\b(error_set|error_reason|error_field|error_candidate|draft_bad|app_tr|tr|mistake)\(")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
KINDS = "USAGE NOT_FOUND DENIED CONFLICT INVALID DUPLICATE UNAUTHENTICATED BUSY".split()
# Told by programs to programs, or on the server's console only.
RAW = {
    "frame does not hold exactly one message", "op is not a name", "entity is not a name", "not a request", "not a hello",
    "request id is in use", "path is not absolute", "not a certificate request of a P-256 key signed by it",
    "no caller to show a record to", 'unknown kind of change "X"', "frame needs more memory than a call may take",
}
# Parts from which a message is put together.
PARTS = {
    'X "X" is X the trash', "already in", "not in", ", which is in the trash", '; did you mean "', "sort X", "record X",
    'no such entity: "X"XXX', 'unknown entity: "X"XXX',
}


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def plain(text):
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def arguments(text, start):
    """The text up to the parenthesis that closes the call."""
    depth, at, quoted = 1, start, False
    while depth and at < len(text):
        c = text[at]
        if c == '"':
            quoted = not quoted
        elif quoted:
            at += c == "\\"
        else:
            depth += (c == "(") - (c == ")")
        at += 1
    return text[start:at - 1]


def told(pattern, functions, wants=lambda function, body: True):
    """The texts with a blank in them that the calls in the files hold, one for each format."""
    found = set()
    for path in glob.glob(os.path.join(ROOT, pattern), recursive=True):
        text = re.sub(r"/\*.*?\*/", "", source(path), flags=re.S)
        for call in CALL.finditer(text):
            body = arguments(text, call.end())
            if call.group(1) not in functions or not wants(call.group(1), body):
                continue
            body = re.sub(r'"\s*PRI\w+\s*"', "s", body)
            body = re.sub(r'"\s+"', "", body)
            found |= {plain(s) for s in TEXT.findall(body) if re.match(r"\S+ \S", s)}
    return found


def of_users(function, body):
    return not function.startswith("error_set") and not function.startswith("error_reason") or \
        any("STATUS_" + kind in body for kind in KINDS)


def main():
    tap = Tap()
    rows = re.findall(r'\{ "((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)" \}', source("client/message.c"))
    tap.ok("the patterns were found", len(rows) > 200, len(rows))
    fits = [re.compile(".*".join(re.escape(part) for part in plain(en).split("*"))) for en, _ in rows]
    wrong = [en for en, zh in rows if {int(n) for n in re.findall(r"\$(\d)", zh)} - set(range(1, en.count("*") + 1))]
    tap.is_("every part that the Chinese names is there", wrong, [])
    most = int(re.search(r"#define PARTS_MAX (\d+)", source("client/message.c")).group(1))
    tap.ok("no pattern has more parts than there is room for", max(en.count("*") for en, _ in rows) <= most)

    said = set()
    for folder in ("server/model", "server/op", "server/call"):
        said |= told(folder + "/*.c", {"error_set", "error_reason", "error_field", "error_candidate", "draft_bad"}, of_users)
    said |= told("server/store/condition*.c", {"mistake"})
    said |= told("common/type*.c", {"error_set", "error_field"})
    missing = []
    for text in sorted(said):
        shown = re.sub(r"%[-+0-9.*]*(?:ll|l|z|h)?[a-zA-Z]", "X", text).replace("%%", "%")
        after_name = shown.split(" ", 1)[1]
        if shown not in RAW | PARTS and not any(f.fullmatch(shown) or f.fullmatch(after_name) for f in fits):
            missing.append(shown)
    tap.ok("the server's messages were found", len(said) > 150, len(said))
    tap.is_("messages of the server without a Chinese pattern", missing, [])

    known = {plain(en) for en in re.findall(r'\{ "((?:[^"\\]|\\.)*)",', re.sub(r'"\s+"', "", source("client/translations.c")))}
    said = told("client/*.c", {"app_tr", "tr"})
    tap.ok("the client's messages were found", len(said) > 50, len(said))
    tap.is_("messages of the client without a translation", sorted(said - known), [])
    return 1 if tap.failed else 0


sys.exit(main())
