#!/usr/bin/python3
"""What a client began and left: after three days without a sign of it the server closes it as partial, to be taken back as one."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Refused, pb
from server import Server, Tap, run_test
from world import connect

tap, server = Tap(), Server(clock="2026-03-02T08:00:00Z")


def add_rows(s, operation, numbers):
    s.rows("customer", ("external_id", "name", "phone"), [(f"K{n}", f"公司{n}", f"0571-8{n:07d}") for n in numbers], operation)


def state(s, operation):
    return s.job(operation)[0].encode()


def until(s, operation, want):
    end = time.monotonic() + 60
    while state(s, operation) != want and time.monotonic() < end:
        time.sleep(0.01)
    return state(s, operation)


def later(text, own):
    """A write at that time lets the server look."""
    server.set_clock(text)
    s = connect(server)
    s.call("record.set", "customer", own, {"city": text[:10]})
    return s


def main():
    server.start()
    one = connect(server)
    own = one.call("record.add", "customer", fields={"name": "自己", "phone": "0571-99999999"}).record[0].id
    imported = one.call("import.begin", "customer", args={"key": "7" * 32}).operation
    add_rows(one, imported, range(3))
    bulk = one.call("record.set", "customer", 2, {"city": "杭州"}, args={"total": 3}).operation
    finished = one.call("record.set", "customer", 3, {"city": "杭州"}, args={"total": 1}).operation
    one.call("operation.finish", args={"operation": finished})
    tap.is_("they are open", (state(one, imported), state(one, bulk), state(one, finished)), (b"running", b"partial", b"done"))
    one.close()

    one = later("2026-03-04T08:00:00Z", own)
    add_rows(one, imported, range(3, 5))
    tap.is_("after two days the import goes on", state(one, imported), b"running")
    one.close()

    one = later("2026-03-05T10:00:00Z", own)
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

    one = later("2026-03-07T10:00:00Z", own)
    tap.is_("until it is left too", until(one, imported, b"partial"), b"partial")
    record = one.call("record.get", "operation", imported).record[0]
    tap.is_("what it brought is told", one.decode("operation", record)["record_count"], 5)
    tap.is_("what was finished is as it was", state(one, finished), b"done")
    one.call("operation.undo", args={"operation": bulk})
    one.call("operation.undo", args={"operation": finished})
    one.call("operation.undo", args={"operation": imported})
    tap.is_("and all is taken back", one.call("record.count", "customer").count, 1)
    tap.sound(server)


run_test(tap, server, main)
