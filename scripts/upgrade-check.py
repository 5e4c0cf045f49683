#!/usr/bin/env python3
"""The checks of scripts/upgrade-check.sh, which says how to run them."""

import json
import math
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from loopback import PATIENCE_S, Backend, Bal, exchange, wait_for

LOG = "decisions.ndjson"
LONG_LIVED = 6
SHORT_LIVED = 3
# Replies that each kind of client must get before the next step; at the pace below that is well under a second.
MORE_REPLIES = 100
PAUSE_S = 0.004
LARGEST = 20_000


class Checks:
    """Counts what passed and what failed, and says so as it goes."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, what, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"  ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {what}{': ' if detail else ''}{detail}", flush=True)
        return bool(holds)


class Load:
    """Clients that verify every reply: some keep their connection, others open one for each request."""

    def __init__(self, bal):
        self.bal = bal
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.failures = []
        self.connections = 0
        self.sent = 0
        self.received = 0
        self.long_replies = []
        self.short_replies = 0
        self.slowest_s = 0.0
        self.clients = []

    def add_long_lived(self, count):
        for _ in range(count):
            number = len(self.long_replies)
            self.long_replies.append(0)
            self._run(self._stay, number)

    def add_short_lived(self, count):
        for number in range(count):
            self._run(self._come, 1000 + number)

    def go_on(self):
        """Waits until every long-lived connection and the short-lived ones got more replies."""
        long_before, short_before = list(self.long_replies), self.short_replies
        wait_for("clients get replies", lambda: self.failures or (
            self.short_replies >= short_before + MORE_REPLIES
            and all(now >= before + MORE_REPLIES for now, before in zip(self.long_replies, long_before))))

    def end(self):
        self.over.set()
        for client in self.clients:
            client.join(PATIENCE_S)
        if any(client.is_alive() for client in self.clients):
            self._fail("a client is still waiting for a reply")

    def _run(self, what, number):
        client = threading.Thread(target=what, args=(number,), daemon=True)
        self.clients.append(client)
        client.start()

    def _fail(self, text):
        with self.lock:
            self.failures.append(text)

    def _exchange(self, sock, dice):
        payload = dice.randbytes(dice.randint(1, LARGEST))
        begun = time.monotonic()
        exchange(sock, payload)
        with self.lock:
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            self.sent += 4 + len(payload)
            self.received += 1 + len(payload)

    def _connect(self):
        sock = self.bal.connect()
        with self.lock:
            self.connections += 1
        return sock

    @staticmethod
    def _close(sock):
        sock.shutdown(socket.SHUT_WR)
        if sock.recv(1):
            raise ValueError("bytes after the last reply")

    def _stay(self, number):
        dice = random.Random(number)
        replies = 0
        try:
            with self._connect() as sock:
                while not self.over.is_set():
                    self._exchange(sock, dice)
                    replies += 1
                    self.long_replies[number] = replies
                    time.sleep(PAUSE_S)
                self._close(sock)
        except (OSError, ValueError) as e:
            self._fail(f"long-lived connection {number} after {replies} replies: {e!r}")
            # Nobody waits for more from it.
            self.long_replies[number] = math.inf

    def _come(self, number):
        dice = random.Random(number)
        while not self.over.is_set():
            try:
                with self._connect() as sock:
                    self._exchange(sock, dice)
                    self._close(sock)
                with self.lock:
                    self.short_replies += 1
            except (OSError, ValueError) as e:
                self._fail(f"short-lived connection: {e!r}")
            time.sleep(PAUSE_S)


def counters(status):
    """Everything in a status that only ever grows."""
    grows = {key: status[key] for key in ("uptime_ms", "config_version", "rejected_connections")}
    grows.update({f"terminations.{key}": value for key, value in status["terminations"].items()})
    for backend in status["backends"]:
        for key in ("total_connections", "bytes_in", "bytes_out"):
            grows[f"{backend['address']}.{key}"] = backend[key]
        for key, value in backend["counters"].items():
            grows[f"{backend['address']}.counters.{key}"] = value
    return grows


def smaller(before, after):
    return ", ".join(
        f"{key} {value} -> {after.get(key)}" for key, value in before.items() if after.get(key, -1) < value)


def is_copy(process, file):
    return Path(f"/proc/{process.pid}/exe").read_bytes() == Path(file).read_bytes()


def version_of(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return said.strip().removeprefix("bal ")


class UpgradeCheck:
    def __init__(self, old, new, home):
        self.old, self.new = old, new
        self.checks = Checks()
        self.backends = [Backend("a"), Backend("b")]
        self.bal = Bal(home, old)
        self.load = Load(self.bal)
        # Which binary wrote each part of the decision log: every process begins one.
        self.writers = [old]

    def run(self):
        bal, load = self.bal, self.load
        print("start the old binary", flush=True)
        bal.configure(self.backends, decision_log=LOG)
        bal.start()
        bal.see_up()
        load.add_long_lived(LONG_LIVED)
        load.add_short_lived(SHORT_LIVED)
        load.go_on()
        self._served("clients are served")

        print("upgrade from the old binary to the new one", flush=True)
        first = bal.process()
        self._upgrade(self.new)
        load.add_long_lived(LONG_LIVED // 2)
        load.go_on()
        self._served("old and new connections are served")
        self._previous([(first.pid, LONG_LIVED)])

        print("reload in the new process", flush=True)
        before = bal.status()["config_version"]
        bal.configure(self.backends, {"connection_idle_timeout_ms": 60000}, decision_log=LOG)
        done = bal.attempt("graceful")
        self.checks.that("'bal graceful' succeeds", done.returncode == 0, done.stdout + done.stderr)
        self.checks.that("the configuration is applied", bal.status()["config_version"] == before + 1)

        print("upgrade from the new binary to itself", flush=True)
        second = bal.process()
        self._upgrade(self.new)
        load.go_on()
        self._served("the connections of all three processes are served")
        self._previous([(first.pid, LONG_LIVED), (second.pid, LONG_LIVED // 2)])

        print("end the load", flush=True)
        load.end()
        self._served("every connection ends cleanly")
        ended = [p for p in (first, second) if p.has_ended(PATIENCE_S)]
        self.checks.that("the replaced processes end with their last connection", len(ended) == 2)
        status = bal.see("nothing is open", lambda s: s["active_connections"] == 0 and not s["previous"])
        self._totals(status)
        recorded = self._recorded()

        print("go back to the old binary", flush=True)
        self._go_back()

        print("stop", flush=True)
        port = bal.port
        done = bal.attempt("stop")
        self.checks.that("'bal stop' succeeds", done.returncode == 0, done.stdout + done.stderr)
        self.checks.that("every process has ended", all(p.has_ended(PATIENCE_S) for p in bal.processes.values()))
        with socket.socket() as probe:
            self.checks.that("nothing listens on the port", probe.connect_ex(("127.0.0.1", port)) != 0)
        self.checks.that("bal logged no error", not self._errors(), self._errors())
        self._replay(recorded)
        self._replay(self._recorded("after-stop"))

    def _upgrade(self, binary):
        bal, checks = self.bal, self.checks
        before, process = bal.status(), bal.process()
        bal.install(binary)
        bal.binary = binary
        begun = time.monotonic()
        done = bal.attempt("upgrade")
        took_ms = (time.monotonic() - begun) * 1000
        checks.that(f"'bal upgrade' succeeds ({took_ms:.0f} ms)", done.returncode == 0, done.stdout + done.stderr)
        after = bal.status()
        self.writers.append(binary)
        checks.that("another process serves", bal.process().pid == after["pid"] != process.pid)
        checks.that("it runs the installed binary", is_copy(bal.process(), binary))
        checks.that("no counter went down", not smaller(counters(before), counters(after)),
                    smaller(counters(before), counters(after)))
        checks.that("every backend is up", all(b["state"] == "up" for b in after["backends"]),
                    json.dumps(after["backends"]))

    def _served(self, what):
        self.checks.that(what, not self.load.failures, "; ".join(self.load.failures[:5]))
        # Each failure is reported once.
        self.load.failures.clear()

    def _previous(self, expected):
        seen = [(p["pid"], p["active_connections"]) for p in self.bal.status()["previous"]]
        self.checks.that("the replaced processes keep their connections", seen == expected,
                         f"expected {expected}, found {seen}")

    def _totals(self, status):
        def total(key):
            return sum(backend[key] for backend in status["backends"])
        load = self.load
        counted = (total("total_connections"), total("bytes_in"), total("bytes_out"))
        expected = (load.connections, load.sent, load.received)
        self.checks.that("connections and bytes are counted exactly", counted == expected,
                         f"expected {expected}, found {counted}")

    def _go_back(self):
        bal, checks, process = self.bal, self.checks, self.bal.process()
        load = self.load = Load(bal)
        load.add_long_lived(2)
        load.add_short_lived(1)
        load.go_on()
        bal.install(self.old)
        done = bal.attempt("upgrade")
        accepted = done.returncode == 0
        serving = bal.process().pid
        # A version need not understand the state of a later one, but it must not disturb it.
        checks.that("the old binary takes over, or refuses and changes nothing" + (
            " (it takes over)" if accepted else " (it refuses)"), (serving != process.pid) == accepted)
        if accepted:
            self.writers.append(self.old)
        else:
            print("          " + done.stderr.strip().replace("\n", "\n          "), flush=True)
            bal.install(self.new)
        load.go_on()
        load.end()
        self._served("clients are served meanwhile")

    def _errors(self):
        lines = (self.bal.home / "bal.log").read_text(encoding="utf-8").splitlines()
        # An upgrade back to the old binary may be refused.
        wrong = [line for line in lines
                 if json.loads(line)["level"].lower() == "error" and '"upgrade_failed"' not in line]
        return "; ".join(wrong[:3])

    def _recorded(self, name="before-going-back"):
        """A copy of the decision log as it is now."""
        copy = self.bal.home / f"{name}.ndjson"
        shutil.copyfile(self.bal.home / LOG, copy)
        return copy

    def _replay(self, file):
        print(f"replay the decision log ({file.stem.replace('-', ' ')})", flush=True)
        lines = file.read_bytes().splitlines(keepends=True)
        starts = [i for i, line in enumerate(lines) if line.startswith(b'{"decision_log":')]
        writers = self.writers[:len(starts)]
        self.checks.that("every process has recorded", len(starts) >= 3, f"{len(starts)} checkpoints")
        whole = self._replayed(file, self.new)
        if version_of(self.old) == version_of(self.new) or whole["same"]:
            self.checks.that(f"the new binary replays the whole file: {whole['steps']} steps",
                             whole["same"] and whole["checkpoints"] == len(starts), json.dumps(whole))
        else:
            # Another version may decide differently; then it has to say that this is why.
            self.checks.that(f"the new binary says which version decided differently at line {whole['fault_line']}",
                             whole["problem"]["code"] == "replay_differs"
                             and version_of(self.old) in whole["problem"]["why_likely"], json.dumps(whole))
        for number, (writer, begin, end) in enumerate(zip(writers, starts, starts[1:] + [len(lines)]), 1):
            part = file.with_name(f"{file.stem}.{number}.ndjson")
            part.write_bytes(b"".join(lines[begin:end]))
            recorded_by = json.loads(lines[begin])["bal"]
            said = self._replayed(part, writer)
            self.checks.that(f"part {number}, by {recorded_by}, replays the same with it: {said['steps']} steps",
                             said["same"] and said["steps"] > 0 and recorded_by == version_of(writer), json.dumps(said))

    def _replayed(self, file, program):
        done = self.bal.attempt("replay", file.name, "--json", program=program)
        said = json.loads(done.stdout)
        if said["same"] != (done.returncode == 0):
            raise RuntimeError(f"'bal replay' says same: {said['same']}, and its exit code is {done.returncode}")
        return {key: value for key, value in said.items() if key != "timeline"}


def main():
    old, new = (Path(argument).resolve(strict=True) for argument in sys.argv[1:3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    print(f"old: {version_of(old)}\nnew: {version_of(new)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bal-upgrade-") as folder:
        check = UpgradeCheck(old, new, Path(folder) / "home")
        checks = check.checks
        try:
            check.run()
        except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as e:
            checks.that("the check ran to its end", False, f"{type(e).__name__}: {e}")
        finally:
            check.load.over.set()
            check.bal.end()
        if checks.failed:
            log = Path(folder) / "home/bal.log"
            print("the end of bal.log:", *log.read_text(encoding="utf-8").splitlines()[-20:], sep="\n  ")
    load = check.load
    print(f"slowest reply: {load.slowest_s * 1000:.0f} ms; {time.monotonic() - begun:.0f} s in all")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
