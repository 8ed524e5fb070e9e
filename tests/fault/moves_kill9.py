#!/usr/bin/python3
"""kill -9 in the middle of deleting, restoring and merging a customer with many children, and of taking that back: after the restart the server carries
it to its end, nothing stands by half.

Usage: moves_kill9.py [KILLS] [CHILDREN]. A kill counts only when the job was not at its end.
"""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from guanxi_client import Session
from server import PASSWORD, Server, Tap

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
CHILDREN = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
SEED = int(os.environ.get("SEED", "7"))


def session_of(server):
    session = Session(server.address, server.ca)
    session.login("admin", PASSWORD)
    return session


def counts(session, other):
    return (session.call("record.count", "customer").count, session.call("record.count", "activity").count,
            session.call("record.count", "activity", filter=f"customer = {other}").count)


def main():
    tap, server, rng = Tap(), Server(), random.Random(SEED)
    try:
        server.start()
        session = session_of(server)
        customer = session.call("record.add", "customer", fields={"name": "大客户", "phone": "0571-81000000"}).record[0].id
        other = session.call("record.add", "customer", fields={"name": "另一家", "phone": "0571-82000000"}).record[0].id
        operation, counted, last = 0, 0, 0
        for start in range(0, CHILDREN, 500):
            numbers = range(start, min(start + 500, CHILDREN))
            rows = [(f"K{i}", f"拜访{i}", str(customer)) for i in numbers]
            operation = session.rows("activity", ("external_id", "subject", "customer"), rows, operation).operation
        steps = [
            ("delete", lambda: session.call("record.delete", "customer", customer), CHILDREN + 1, (1, 0, 0)),
            ("restore", lambda: session.call("record.restore", "customer", customer, trash=True), CHILDREN + 1, (2, CHILDREN, 0)),
            ("merge", lambda: session.call("record.merge", "customer", [other, customer]), CHILDREN, (1, CHILDREN, CHILDREN)),
            ("undo", lambda: session.call("operation.undo", args={"operation": last}), CHILDREN + 2, (2, CHILDREN, 0)),
        ]
        for number in range(KILLS):
            name, begin, changed, want = steps[number % len(steps)]
            last = begin().operation
            counted += session.job_until(last, rng.randrange(CHILDREN))[0] == "running"
            server.kill()
            server.start()
            session = session_of(server)
            tap.is_(f"{name} {number + 1} is carried to its end", session.job_until(last, CHILDREN + 3), ("done", changed))
            tap.is_("as a whole", counts(session, other), want)
        tap.ok(f"{counted} of {KILLS} kills met a running job", counted > 0)
        server.stop()
        code, text = server.check()
        tap.ok("the store is sound", code == 0, text)
    finally:
        server.remove()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
