#!/usr/bin/python3
"""Two at once: one version, one key, one record, one parent. Whatever the order, one wins, nothing is lost, nothing is left half."""

import os
import random
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Refused, pb
from server import Server, Tap, run_test
from world import connect

ROUNDS = 30
CLIENTS = 16
RECORDS = 20
STEPS = 40

tap = Tap()
server = Server()


def outcome(s, number):
    """Code and reply of a request."""
    try:
        return pb.OK, s.finish(number)
    except Refused as r:
        return r.code, None


def both(one, two, first, second):
    """Sends two requests on two connections before either is answered; their codes and replies."""
    a, b = first(one), second(two)
    return outcome(one, a), outcome(two, b)


def customer(s, name):
    return s.call("record.add", "customer", fields={"name": name, "phone": "10088"}).record[0]


def same_version(one, two):
    codes, kept = [], []
    for n in range(ROUNDS):
        record = customer(one, f"版本{n}")
        (a, ra), (b, rb) = both(
            one, two,
            lambda s: s.start("record.set", "customer", record.id, {"city": "杭州"}, if_version=record.version),
            lambda s: s.start("record.set", "customer", record.id, {"city": "成都"}, if_version=record.version))
        codes.append(sorted((a, b)))
        stands = one.decode("customer", one.call("record.get", "customer", record.id).record[0])
        kept.append((stands["city"] == "杭州") == (a == pb.OK) and stands["version"] == 2)
    tap.ok("of two changes of one field from one version one wins", codes == [[pb.OK, pb.CONFLICT]] * ROUNDS, codes)
    tap.ok("and the winner's value stands", all(kept), kept)


def other_fields(one, two):
    good = []
    for n in range(ROUNDS):
        record = customer(one, f"两栏{n}")
        both(one, two,
             lambda s: s.start("record.set", "customer", record.id, {"city": "杭州"}, if_version=record.version),
             lambda s: s.start("record.set", "customer", record.id, {"province": "浙江"}, if_version=record.version))
        stands = one.decode("customer", one.call("record.get", "customer", record.id).record[0])
        good.append((stands.get("city"), stands.get("province"), stands["version"]) == ("杭州", "浙江", 3))
    tap.ok("changes of two fields from one version both stand", all(good), good)


def same_key(one, two):
    ids, known = [], []
    for n in range(ROUNDS):
        def start(s):
            return s.start("record.add", "customer", fields={"name": f"一键{n}", "phone": "10086"}, idempotency_key=f"k{n}")
        (_, a), (_, b) = both(one, two, start, start)
        ids.append(a.record[0].id == b.record[0].id and a.operation == b.operation)
        known.append(one.call("record.count", "customer", filter=f"name = 一键{n}").count)
    tap.ok("one idempotency key at once answers the same", all(ids), ids)
    tap.is_("and makes one record", set(known), {1})


def same_unique(one, two):
    codes = []
    for n in range(ROUNDS):
        def start(s):
            return s.start("record.add", "customer", fields={"name": f"独一{n}", "phone": "10086", "external_id": f"u{n}"})
        (a, _), (b, _) = both(one, two, start, start)
        codes.append(sorted((a, b)))
    tap.ok("of two with one unique value one goes in", codes == [[pb.OK, pb.DUPLICATE]] * ROUNDS, codes)


def two_deletes(one, two):
    codes = []
    for n in range(ROUNDS):
        record = customer(one, f"两删{n}")
        (a, _), (b, _) = both(one, two, *[lambda s: s.start("record.delete", "customer", record.id)] * 2)
        codes.append(sorted((a, b)))
    wrong = [c for c in codes if c[0] != pb.OK or c[1] not in (pb.NOT_FOUND, pb.CONFLICT)]
    tap.ok("of two deletes one deletes", not wrong, wrong)


def delete_and_child(one, two):
    wrong = []
    for n in range(ROUNDS):
        record = customer(one, f"弃子{n}")
        (a, deleted), (b, child) = both(
            one, two,
            lambda s: s.start("record.delete", "customer", record.id),
            lambda s: s.start("record.add", "contact", fields={"customer": record.id, "name": f"子{n}"}))
        left = one.call("record.count", "contact", filter=f"name = 子{n}").count
        gone = one.call("record.count", "contact", filter=f"name = 子{n}", trash=True).count
        if a != pb.OK or left != 0 or gone != (b == pb.OK) or (b == pb.OK and deleted.count != 2):
            wrong.append((a, b, left, gone))
            continue
        one.call("record.restore", "customer", record.id)
        if one.call("record.count", "contact", filter=f"name = 子{n}").count != gone:
            wrong.append("restore")
    tap.ok("no child is left behind when its parent goes meanwhile", not wrong, wrong)


def undo_and_change(one, two):
    wrong = []
    for n in range(ROUNDS):
        record = customer(one, f"撤{n}")
        operation = one.call("record.set", "customer", record.id, {"city": "一"}).operation
        (a, _), (b, _) = both(
            one, two,
            lambda s: s.start("operation.undo", args={"operation": operation}),
            lambda s: s.start("record.set", "customer", record.id, {"city": "二"}))
        city = one.decode("customer", one.call("record.get", "customer", record.id).record[0]).get("city")
        if b != pb.OK or a not in (pb.OK, pb.CONFLICT) or city != "二":
            wrong.append((a, b, city))
    tap.ok("an undo beside a change takes back nothing of the change", not wrong, wrong)


def worker(number, ids, won, faults):
    """Reads a record and counts it up by compare and set; tells how often it won."""
    s, choose = connect(server), random.Random(number)
    try:
        for step in range(STEPS):
            record = s.call("record.get", "customer", choose.choice(ids)).record[0]
            now = s.decode("customer", record)
            fields = {"employee_count": now.get("employee_count", 0) + 1, "keywords": f"{number}"}
            try:
                s.call("record.set", "customer", record.id, fields, if_version=record.version)
                won[number][record.id] = won[number].get(record.id, 0) + 1
            except Refused as r:
                if r.code != pb.CONFLICT:
                    raise
            s.call("record.add", "customer", fields={"name": f"并{number}-{step}", "phone": "10089"})
    except Exception as why:
        faults.append(repr(why))
    s.close()


def lost_updates(one):
    ids = [customer(one, f"计{n}").id for n in range(RECORDS)]
    won, faults = [{} for _ in range(CLIENTS)], []
    threads = [threading.Thread(target=worker, args=(n, ids, won, faults)) for n in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.is_(f"{CLIENTS} clients work side by side", faults, [])
    wrong = []
    for record in one.call("record.get", "customer", ids).record:
        stands = one.decode("customer", record)
        wins = sum(w.get(record.id, 0) for w in won)
        if stands.get("employee_count", 0) != wins or stands["version"] != wins + 1:
            wrong.append((record.id, stands.get("employee_count"), stands["version"], wins))
    tap.ok("no update is lost, no other one counted", not wrong, wrong)
    tap.is_("every addition is there", one.call("record.count", "customer", filter="name ~ 并").count, CLIENTS * STEPS)
    numbers = [one.decode("customer", r).get("customer_number") for r in one.call("record.get", "customer", ids).record]
    tap.is_("numbers are given once", len(set(numbers)), RECORDS)


def main():
    server.start()
    one, two = connect(server), connect(server)
    for part in (same_version, other_fields, same_key, same_unique, two_deletes, delete_and_child, undo_and_change):
        part(one, two)
    lost_updates(one)
    tap.sound(server)


run_test(tap, server, main)
