#!/usr/bin/python3
"""What a client began and left: after three days without a sign of it the server closes it as partial, to be taken back as one."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Refused, Session, pb
from server import PASSWORD, Server, Tap

tap, server = Tap(), Server(clock="2026-03-02T08:00:00Z")


def login():
    s = Session(server.address, server.ca)
    s.login("admin", PASSWORD)
    return s


def import_rows(s, operation, numbers):
    frame = pb.Frame()
    r = frame.request
    r.id, r.op, r.entity = s.next_id, b"import.rows", b"customer"
    s.next_id += 1
    r.column.extend([b"external_id", b"name", b"phone"])
    for n in numbers:
        r.row.add(line=n + 2).cell.extend(t.encode() for t in (f"K{n}", f"公司{n}", f"0571-8{n:07d}"))
    r.arg.add(name=b"operation", value=str(operation).encode())
    s.send(frame)
    return s.finish(r.id)


def state(s, operation):
    reply = s.call("operation.state", args={"operation": operation})
    return {v.name: v.value for v in reply.value}[b"state"]


def until(s, operation, want):
    end = time.monotonic() + 60
    while state(s, operation) != want and time.monotonic() < end:
        time.sleep(0.01)
    return state(s, operation)


def later(text):
    """A write at that time lets the server look."""
    server.set_clock(text)
    s = login()
    s.call("record.set", "customer", own, {"city": text[:10]})
    return s


try:
    server.start()
    one = login()
    own = one.call("record.add", "customer", fields={"name": "自己", "phone": "0571-99999999"}).record[0].id
    imported = one.call("import.begin", "customer", args={"key": "7" * 32}).operation
    import_rows(one, imported, range(3))
    bulk = one.call("record.set", "customer", 2, {"city": "杭州"}, args={"total": 3}).operation
    finished = one.call("record.set", "customer", 3, {"city": "杭州"}, args={"total": 1}).operation
    one.call("operation.finish", args={"operation": finished})
    tap.is_("they are open", (state(one, imported), state(one, bulk), state(one, finished)), (b"running", b"partial", b"done"))
    one.close()

    one = later("2026-03-04T08:00:00Z")
    import_rows(one, imported, range(3, 5))
    tap.is_("after two days the import goes on", state(one, imported), b"running")
    one.close()

    one = later("2026-03-05T10:00:00Z")
    end = time.monotonic() + 60
    codes = None
    while codes != pb.CONFLICT and time.monotonic() < end:
        try:
            one.call("record.set", "customer", 4, {"city": "上海"}, args={"operation": bulk}, dry_run=True)
            time.sleep(0.01)
        except Refused as why:
            codes = why.code
    tap.is_("after three days without a sign nothing joins any more", codes, pb.CONFLICT)
    tap.is_("what was worked on since then stays open", (state(one, bulk), state(one, imported)), (b"partial", b"running"))
    one.close()

    one = later("2026-03-07T10:00:00Z")
    tap.is_("until it is left too", until(one, imported, b"partial"), b"partial")
    record = one.call("record.get", "operation", imported).record[0]
    tap.is_("what it brought is told", one.decode("operation", record)["record_count"], 5)
    tap.is_("what was finished is as it was", state(one, finished), b"done")
    one.call("operation.undo", args={"operation": bulk})
    one.call("operation.undo", args={"operation": finished})
    one.call("operation.undo", args={"operation": imported})
    tap.is_("and all is taken back", one.call("record.count", "customer").count, 1)
    server.stop()
    code, text = server.check()
    tap.ok("the store is sound", code == 0, text)
finally:
    server.remove()
sys.exit(1 if tap.failed else 0)
