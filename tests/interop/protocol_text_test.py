#!/usr/bin/python3
"""PROTOCOL.md against the server: its operations, its example bytes, and its session, sent again to a fresh server.

With --print it prints the session of a fresh server in the form of the document.
"""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Session, pb
from server import PASSWORD, ROOT, Server, Tap, run_test
from session_text import Annotator, fields, hex_of, schema_names

TEXT = open(os.path.join(ROOT, "proto", "PROTOCOL.md"), encoding="utf-8").read()
START, DUE = "2026-11-24T00:59:00Z", "2026-11-24T01:00:00Z"


class Recorder(Session):
    """A session that keeps every frame that is no heartbeat as (who, bytes)."""

    def __init__(self, *args, **kwargs):
        self.frames = []
        super().__init__(*args, **kwargs)

    def keep(self, who, frame):
        body = frame.SerializeToString()
        if not frame.HasField("event") or frame.event.kind:
            self.frames.append((who, len(body).to_bytes(4, "big") + body))

    def send(self, frame):
        self.keep("client", frame)
        super().send(frame)

    def read_frame(self, timeout=20):
        frame = super().read_frame(timeout)
        self.keep("server", frame)
        return frame


def play(server):
    """The session of the document."""
    s = Recorder(server.address, server.ca)
    s.login("admin", PASSWORD)
    customer = s.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-88880000"})
    s.call("record.add", "task", fields={"subject": "回访", "customer": customer.record[0].id, "due_on": "2026-11-24"})
    s.call("record.list", "customer", filter="name ~ 长河", limit=1)
    s.call("watch")
    server.set_clock(DUE)
    s.call("reminder.acknowledge", record=s.event().record.id)
    if not s.events:
        s.event()
    s.call("session.logout")
    s.close()
    return s.frames


def names_of_schema(server):
    s = Session(server.address, server.ca)
    s.login("admin", PASSWORD)
    return schema_names(s.call("schema.get").schema)


def blocks_of(section):
    """(who, block) of each frame in the section."""
    part = TEXT.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"\*\*(client|server)\*\*[^\n]*\n\n```\n(.*?)\n```", part, re.S)


def kind_of(data):
    """What a frame is, without what differs from run to run."""
    frame = pb.Frame()
    frame.ParseFromString(data[4:])
    which = frame.ListFields()[0][0].name
    if which == "hello":
        return which, frame.hello.version, frame.hello.max_frame
    if which == "request":
        return which, frame.request.op, frame.request.entity
    if which == "reply":
        r = frame.reply
        return which, r.id, r.status.code, [(x.entity, x.id, x.version) for x in r.record], [v.name for v in r.value]
    e = frame.event
    return which, e.kind, e.title, e.due_ms, e.occurrence, e.record.id, e.subject.entity


def ops_test(tap):
    """The tables of the document name what the server's tables name."""
    source = "".join(open(f, encoding="utf-8").read() for f in glob.glob(os.path.join(ROOT, "server", "op", "*.c")))
    served = set(re.findall(r'\.name = "([a-z._]+)"', source))
    told = set(re.findall(r"^\| `([a-z._]+)` \| [^|]*\| (?:read|write) \|", TEXT, re.M))
    tap.ok("the server's tables were found", len(served) > 20, served)
    tap.is_("operations that the document leaves out", served - told, set())
    tap.is_("operations of the document that the server does not have", told - served, set())


def example_test(tap, names):
    """The record of section 6: its bytes say what stands behind them."""
    part = TEXT.split("\n## 6.", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^((?:[0-9a-f]{2} )+) +tag (\d+), .*: (\w+)$", part, re.M)
    data = bytes.fromhex("".join(row[0] for row in rows))
    customer = next(e for _, e in names.items() if e[0] == "customer")[1]
    tap.ok("the example has rows", len(rows) >= 3, rows)
    tap.is_("its tags are those of the schema",
            [(n, customer[n][0]) for n, *_ in fields(data)], [(int(t), name) for _, t, name in rows])


def session_test(tap, names, blocks, frames):
    annotator = Annotator(names)
    tap.ok("the document has the session", len(blocks) > 10, len(blocks))
    for n, (who, block) in enumerate(blocks, 1):
        try:
            want = annotator.frame(hex_of(block))
        except Exception as why:  # bytes that are no frame
            want = repr(why)
        tap.is_(f"frame {n} of {who}: the words are what the bytes say", block, want)
    told = [(who, kind_of(hex_of(block))) for who, block in blocks]
    tap.is_("a fresh server holds the same session", [(who, kind_of(data)) for who, data in frames], told)


def print_session(names, frames):
    annotator = Annotator(names)
    for who, data in frames:
        print(f"**{who}**\n\n```\n{annotator.frame(data)}\n```\n")


def main():
    server.start()
    frames = play(server)
    names = names_of_schema(server)
    if sys.argv[1:] == ["--print"]:
        print_session(names, frames)
        return
    ops_test(tap)
    example_test(tap, names)
    session_test(tap, names, blocks_of("9. One session byte by byte"), frames)
    tap.sound(server)


tap = Tap()
server = Server(clock=START)
run_test(tap, server, main)
