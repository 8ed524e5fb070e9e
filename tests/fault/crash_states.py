#!/usr/bin/env python3
"""Simulated power cuts.

All writes and syncs of a run of crash_writer are recorded by strace. From them states of the disk are rebuilt as a power cut could leave
them: whatever was synced stands; of what was written since then any subset of 512-byte sectors does. Each state must open, be sound,
and hold every change that was acknowledged before the cut.

With --drop-syncs the syncs are taken as if the disk had ignored them. Then states must be lost, or this test sees nothing.

usage: crash_states.py CRASH_WRITER [--changes N] [--states N] [--seed N] [--drop-syncs]
"""
import argparse
import collections
import os
import random
import re
import subprocess
import sys
import tempfile

SECTOR = 512
CALLS = "openat,close,pwrite64,pwritev,writev,write,lseek,fdatasync,fsync,msync,ftruncate,rename,renameat,renameat2,mkdir"


def unescape(text):
    return bytes.fromhex(text.replace("\\x", ""))


class Recorder:
    """Turns a trace into the operations that matter to the data file:
    W offset bytes (not durable), S offset bytes (durable on return), B sync, A number acknowledged, R renamed into place, D folder synced."""

    def __init__(self):
        self.ops = []
        self.fds = {}  # fd -> "data", "sync" (O_DSYNC) or "folder"
        self.at = {}  # fd -> file offset

    def line(self, line):
        name, _, rest = line.partition("(")
        if "= -1" in line:
            return
        handler = getattr(self, "on_" + name, None)
        if handler:
            handler(rest)

    def on_openat(self, rest):
        m = re.match(r'AT_FDCWD, "((?:\\x..)*)", ([A-Z_|]+).* = (\d+)', rest)
        if not m:
            return
        path, fd = unescape(m[1]).decode(), int(m[3])
        self.fds.pop(fd, None)
        if path.endswith("/data.mdb"):
            self.fds[fd] = "sync" if "SYNC" in m[2] else "data"
            self.at[fd] = 0
        elif "O_DIRECTORY" in m[2]:
            self.fds[fd] = "folder"

    def on_close(self, rest):
        self.fds.pop(int(rest.split(")")[0]), None)

    def on_rename(self, rest):
        names = [unescape(n).decode() for n in re.findall(r'"((?:\\x..)*)"', rest)]
        if names and names[0].endswith(".new"):
            self.ops.append(("R",))

    def on_lseek(self, rest):
        m = re.match(r"(\d+), (\d+), SEEK_SET", rest)
        if m:
            self.at[int(m[1])] = int(m[2])

    def written(self, fd, offset, data):
        kind = self.fds.get(fd)
        if kind in ("data", "sync"):
            self.ops.append(("S" if kind == "sync" else "W", offset, data))

    @staticmethod
    def vector(text):
        return b"".join(unescape(x) for x in re.findall(r'iov_base="((?:\\x..)*)"', text))

    def on_pwrite64(self, rest):
        m = re.match(r'(\d+), "((?:\\x..)*)", \d+, (\d+)\)', rest)
        if m:
            self.written(int(m[1]), int(m[3]), unescape(m[2]))

    def on_pwritev(self, rest):
        m = re.match(r"(\d+), \[(.*)\], \d+, (\d+)\)", rest)
        if m:
            self.written(int(m[1]), int(m[3]), self.vector(m[2]))

    def on_writev(self, rest):
        m = re.match(r"(\d+), \[(.*)\], \d+\)", rest)
        if m:
            self.sequential(int(m[1]), self.vector(m[2]))

    def on_write(self, rest):
        m = re.match(r'(\d+), "((?:\\x..)*)"', rest)
        if not m:
            return
        data = unescape(m[2])
        if int(m[1]) == 1 and data.startswith(b"ACK"):
            self.ops.append(("A", int(data.split()[1])))
        else:
            self.sequential(int(m[1]), data)

    def sequential(self, fd, data):
        if fd in self.fds and fd in self.at:
            self.written(fd, self.at[fd], data)
            self.at[fd] += len(data)

    def on_fdatasync(self, rest):
        kind = self.fds.get(int(rest.split(")")[0]))
        if kind:
            self.ops.append(("D",) if kind == "folder" else ("B",))

    on_fsync = on_fdatasync

    def on_msync(self, rest):
        self.ops.append(("B",))


def record(writer, folder, changes):
    log = os.path.join(folder, "trace")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # strace and the leak checker exclude each other
    run = subprocess.run(
        ["strace", "-qq", "-xx", "-s", "1000000", "-e", "trace=" + CALLS, "-o", log,
         writer, "write", os.path.join(folder, "store"), str(changes)],
        stdout=subprocess.DEVNULL, env=env)
    if run.returncode != 0:
        sys.exit("crash_writer failed while it was recorded")
    recorder = Recorder()
    with open(log, encoding="ascii", errors="replace") as trace:
        for line in trace:
            recorder.line(line)
    return recorder.ops


def apply(image, offset, data):
    if len(image) < offset + len(data):
        image.extend(bytes(offset + len(data) - len(image)))
    image[offset:offset + len(data)] = data


def sectors(writes):
    for _, offset, data in writes:
        at = offset
        while at < offset + len(data):
            end = min((at // SECTOR + 1) * SECTOR, offset + len(data))
            yield at, data[at - offset:end - offset]
            at = end


def choose(rng, writes):
    """The sectors that reached the disk: all, none, or each with one chance."""
    mode, chance = rng.random(), rng.random()
    for at, data in sectors(writes):
        if mode < 0.2 or (mode >= 0.3 and rng.random() < chance):
            yield at, data


class States:
    def __init__(self, writer, folder):
        self.writer, self.folder = writer, folder
        self.results = collections.Counter()
        self.example = {}

    def place(self, image, renamed):
        base = os.path.join(self.folder, "state")
        subprocess.run(["rm", "-rf", base], check=True)
        path = os.path.join(base, "store")
        home = path if renamed else path + ".new"
        os.makedirs(home)
        with open(os.path.join(home, "data.mdb"), "wb") as out:
            out.write(image)
        return path

    def run(self, *args):
        return subprocess.run([self.writer, *args], capture_output=True, text=True, timeout=60)

    def judge(self, image, renamed, acked):
        path = self.place(image, renamed)
        if not renamed:  # the first start was cut off: the next one must begin anew
            made = self.run("check", path).stdout.strip() == "none" and self.run("create", path).returncode == 0
            return "ok" if made and acked < 0 else "LOST-ACKED" if made else "CREATION"
        out = self.run("check", path)
        text = out.stdout.strip()
        if text.startswith("last"):
            return "ok" if int(text.split()[1]) >= acked else "LOST-ACKED"
        return text.split()[0] if text else "DIED-%d" % out.returncode

    def count(self, image, renamed, acked, place):
        verdict = self.judge(image, renamed, acked)
        self.results[verdict] += 1
        self.example.setdefault(verdict, "operation %d, %d acknowledged" % (place, acked))


def simulate(ops, states, rng, wanted, drop_syncs):
    points = collections.Counter(rng.choices(range(1, len(ops)), k=wanted))
    durable, flying, acked = bytearray(), [], -1
    renamed = renamed_durable = False
    for i, op in enumerate(ops):
        for _ in range(points[i]):
            image = bytearray(durable)
            cut = flying + ([op] if op[0] in "WS" else [])
            for at, data in choose(rng, cut):
                apply(image, at, data)
            there = renamed_durable or (renamed and rng.random() < 0.5)
            states.count(image, there, acked, i)
        if op[0] == "R":
            renamed = True
        elif op[0] == "D":
            renamed_durable = renamed
        elif op[0] == "A":
            acked = op[1]
        elif op[0] == "W" or (op[0] == "S" and drop_syncs):
            flying.append(op)
        elif op[0] == "S":
            apply(durable, op[1], op[2])
        elif op[0] == "B" and not drop_syncs:
            for _, offset, data in flying:
                apply(durable, offset, data)
            flying = []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("writer")
    parser.add_argument("--changes", type=int, default=60)
    parser.add_argument("--states", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--drop-syncs", action="store_true")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guanxi-crash.") as folder:
        ops = record(a.writer, folder, a.changes)
        kinds = collections.Counter(op[0] for op in ops)
        if kinds["A"] != a.changes or kinds["R"] != 1 or kinds["B"] < a.changes:
            sys.exit("the trace was not understood: %s" % dict(kinds))
        states = States(os.path.abspath(a.writer), folder)
        simulate(ops, states, random.Random(a.seed), a.states, a.drop_syncs)
    bad = sum(n for verdict, n in states.results.items() if verdict != "ok")
    print("# %d states of %d changes%s: %s" % (
        a.states, a.changes, ", syncs dropped" if a.drop_syncs else "", dict(states.results)))
    for verdict, place in states.example.items():
        if verdict != "ok":
            print("#   first %s at %s" % (verdict, place))
    return (bad == 0) if a.drop_syncs else (bad != 0)


if __name__ == "__main__":
    sys.exit(main())
