#!/usr/bin/python3
"""kill -9 in the middle of a long undo: after the restart the server carries it to its end, nothing stands by half.

Usage: undo_kill9.py [KILLS] [ROWS]. A kill counts only when the job was not at its end.
"""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from guanxi_client import Session
from server import PASSWORD, Server, Tap

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
SEED = int(os.environ.get("SEED", "7"))


def session_of(server):
    session = Session(server.address, server.ca)
    session.login("admin", PASSWORD)
    return session


def import_all(session):
    """One import of all rows; its operation."""
    operation = 0
    for start in range(0, ROWS, 500):
        rows = [(f"K{i}", f"公司K{i}", f"0571-8{i:07d}") for i in range(start, min(start + 500, ROWS))]
        operation = session.rows("customer", ("external_id", "name", "phone"), rows, operation).operation
    return operation


def main():
    tap, server, rng = Tap(), Server(), random.Random(SEED)
    try:
        server.start()
        session = session_of(server)
        target, counted, want = import_all(session), 0, 0
        tap.is_("all rows are in", session.call("record.count", "customer").count, ROWS)
        for number in range(KILLS):
            job = session.call("operation.undo", args={"operation": target}).operation
            counted += session.job_until(job, rng.randrange(ROWS))[0] == "running"
            server.kill()
            server.start()
            session = session_of(server)
            tap.is_(f"undo {number + 1} is carried to its end", session.job_until(job, ROWS + 1), ("done", ROWS))
            tap.is_("as a whole", session.call("record.count", "customer").count, want)
            target, want = job, ROWS - want
        tap.ok(f"{counted} of {KILLS} kills met a running job", counted > 0)
        server.stop()
        code, text = server.check()
        tap.ok("the store is sound", code == 0, text)
    finally:
        server.remove()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
