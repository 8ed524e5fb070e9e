"""A private guanxid for tests: own folder, port 0, own clock file if wanted."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BIN", os.path.join(ROOT, "build", "bin"))
PASSWORD = "correct horse battery"


class Server:
    def __init__(self, clock=None, keep=None):
        """keep: a folder that stays, and whose store is taken when it has one."""
        self.kept = keep is not None
        self.dir = keep or tempfile.mkdtemp(prefix="guanxi-test.")
        self.data = os.path.join(self.dir, "srv")
        self.clock_file = os.path.join(self.dir, "clock")
        self.password_file = os.path.join(self.dir, "pw")
        self.log = os.path.join(self.dir, "log")
        self.process = None
        self.extra = []
        self.made = not os.path.exists(self.data)
        if self.made:
            self.init()
        if clock:
            self.set_clock(clock)
            self.extra = ["--clock", self.clock_file]

    def init(self):
        os.makedirs(self.dir, exist_ok=True)
        with open(self.password_file, "w") as f:
            f.write(PASSWORD + "\n")
        self.run("init", "--admin", "admin", "--password-file", self.password_file)

    def run(self, command, *args):
        return subprocess.run(
            [os.path.join(BIN, "guanxid"), command, "-D", self.data, *args],
            check=True, capture_output=True, text=True,
        ).stdout

    def check(self):
        """Exit code and output of guanxid check."""
        done = subprocess.run(
            [os.path.join(BIN, "guanxid"), "check", "-D", self.data], capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def start(self, *args):
        listen = os.path.join(self.data, "listen")
        if os.path.exists(listen):
            os.remove(listen)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "guanxid"), "run", "-D", self.data, "--listen", "127.0.0.1:0", *self.extra, *args],
                stdout=log, stderr=log,
            )
        end = time.monotonic() + 60
        while not (os.path.exists(listen) and os.path.getsize(listen)):
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log) as log:
                    raise RuntimeError("server did not start:\n" + log.read())
            time.sleep(0.005)
        with open(listen) as f:
            self.address = f.readline().strip()
        return self

    def set_clock(self, text):
        with open(self.clock_file + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.clock_file + ".new", self.clock_file)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def log_end(self):
        with open(self.log) as f:
            return f.read()[-3000:]

    @property
    def ca(self):
        return os.path.join(self.data, "ca.pem")

    def remove(self):
        if self.process and self.process.poll() is None:
            self.stop() if self.kept else self.kill()
        if not self.kept:
            shutil.rmtree(self.dir, ignore_errors=True)


class Tap:
    """Counts checks and prints them."""

    def __init__(self):
        self.failed = 0

    def ok(self, name, good, detail=""):
        print(("ok - " if good else "not ok - ") + name + ("" if good else f"\n#   {detail}"), flush=True)
        self.failed += not good

    def is_(self, name, got, want):
        self.ok(name, got == want, f"got {got!r}, wanted {want!r}")

    def sound(self, server):
        """The server ends in order, with nothing leaked, and leaves a sound store."""
        self.is_("the server stops cleanly", server.stop(), 0)
        code, said = server.check()
        self.ok("check is clean", code == 0, said)


def run_test(tap, server, body):
    """Runs body, shows the server's log when something failed, removes the server and ends with the test's exit code."""
    try:
        body()
    except Exception as why:  # a test that breaks is a failure with its reason
        traceback.print_exc()
        tap.ok("ran to the end", False, repr(why))
    finally:
        if tap.failed:
            print("# server log:", server.log_end())
        server.remove()
    sys.exit(tap.failed > 0)
