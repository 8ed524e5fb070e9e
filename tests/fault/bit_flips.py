#!/usr/bin/env python3
"""Damage on the disk is found, whatever byte it hits.

A sound store is copied and one bit of its file turned, one page cleared, two pages exchanged, or the file cut short. Then the check must
say so or die with it; where it finds nothing, every key and value must be as before (the damage hit free space). It must never hang.
One case cannot be told from the store itself: an exchange that brings back the root of an older state, all of whose pages still
stand. It is a whole and sound store, only older; it is counted by itself.

usage: bit_flips.py CRASH_WRITER [COUNT]
"""
import collections
import os
import random
import subprocess
import sys
import tempfile

PAGE = 4096


def flip(rng, data):
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)


def clear(rng, data):
    at = rng.randrange(len(data) // PAGE) * PAGE
    data[at:at + PAGE] = bytes(PAGE)


def exchange(rng, data):
    a, b = (rng.randrange(2, len(data) // PAGE) * PAGE for _ in range(2))
    data[a:a + PAGE], data[b:b + PAGE] = data[b:b + PAGE], data[a:a + PAGE]


def truncate(rng, data):
    del data[rng.randrange(1, len(data) // PAGE) * PAGE:]


def check(writer, store):
    run = subprocess.run([writer, "check", store], capture_output=True, text=True, timeout=20)
    out = run.stdout.strip()
    return out if run.returncode == 0 and out.startswith("last") else "found"


def classify(verdict, wanted, kind):
    if verdict == "found":
        return "found"
    if verdict == wanted:
        return "free space"
    older = kind is exchange and int(verdict.split()[1]) < int(wanted.split()[1])
    return "an older state, whole" if older else "MISSED"


def main():
    writer, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rng, results = random.Random(11), collections.Counter()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="guanxi-flips.") as folder:
        store = os.path.join(folder, "store")
        subprocess.run([writer, "write", store, "40"], check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(store, "data.mdb")
        with open(path, "rb") as f:
            sound = f.read()
        wanted = check(writer, store)
        if wanted == "found":
            sys.exit("not ok - a sound store is clean")
        for i in range(count):
            kind = rng.choices([flip, clear, exchange, truncate], [10, 2, 1, 1])[0]
            data = bytearray(sound)
            kind(rng, data)
            with open(path, "wb") as f:
                f.write(data)
            verdict = classify(check(writer, store), wanted, kind)
            results[kind.__name__, verdict] += 1
            missed += verdict == "MISSED"
    for (kind, verdict), n in sorted(results.items()):
        print("# %s: %s %d" % (kind, verdict, n))
    found = sum(n for (_, verdict), n in results.items() if verdict == "found")
    good = not missed and found > count // 4
    print("%s - %d damages of the file, none unseen" % ("ok" if good else "not ok", count))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
