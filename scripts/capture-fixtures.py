#!/usr/bin/env python3
"""Captures what a released bal writes for later versions to read: hand-over documents and decision logs.

    scripts/capture-fixtures.py BINARY VERSION [NAME...]

It runs BINARY on the loopback interface in the situations below and writes tests/Fixtures/VERSION/. With NAMEs it
repeats only those situations. tests/Fixtures/README.md says what each one shows.

Hand-over documents come from a stand-in: the script puts itself where bal's binary was and runs 'bal upgrade'. bal
starts it as the new process; it saves both documents and exits. bal then rolls the upgrade back and goes on serving.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from loopback import PATIENCE_S, Backend, Bal, exchange, wait_for

FIXTURES = Path(__file__).resolve().parent.parent / "tests/Fixtures"
# Paths are part of what is captured, so this one does not depend on who captures.
HOMES = Path("/tmp/bal-fixtures")
LOG = "decisions.ndjson"
# Every key of 'runtime', with a value that is not a default.
CUSTOM = {
    "health_check_interval_ms": 250, "health_check_timeout_ms": 240, "health_check_fail_threshold": 5,
    "health_check_success_threshold": 3, "backend_connect_timeout_ms": 900, "failover_backoff_initial_ms": 150,
    "failover_backoff_max_ms": 4000, "backend_cooldown_ms": 0, "protection_trigger_threshold": 7,
    "protection_window_ms": 20000, "protection_stable_success_threshold": 9, "max_concurrent_connections": 100,
    "connection_idle_timeout_ms": 60000, "overload_policy": "reject", "tcp_backlog": 64, "relay": "splice",
    "threads": 2,
}
# A backend that refuses clients stays up and cools down for a minute.
LONG_COOLDOWN = {
    "health_check_fail_threshold": 100, "failover_backoff_initial_ms": 60000, "failover_backoff_max_ms": 60000,
}


def stand_in(target):
    """What bal starts in place of its successor: descriptor 3 is the link to the running bal."""
    link = socket.socket(fileno=3)
    link.settimeout(PATIENCE_S)
    while True:
        message, descriptors, _, _ = socket.recv_fds(link, 4096, 64)
        word = message.decode()
        if word in ("hello", "serve"):
            os.lseek(descriptors[0], 0, os.SEEK_SET)
            with open(descriptors[0], "rb", closefd=False) as document:
                Path(f"{target}.{word}.json").write_bytes(document.read())
        for descriptor in descriptors:
            os.close(descriptor)
        if word == "hello":
            link.sendall(b"ready")
        elif word in ("serve", ""):
            return 0


class Capture:
    """Where the situations put what they capture."""

    def __init__(self, binary, version):
        self.binary = binary
        self.handover = FIXTURES / version / "handover"
        self.decisions = FIXTURES / version / "decisions"
        self.bals = []
        for folder in (self.handover, self.decisions):
            folder.mkdir(parents=True, exist_ok=True)

    def bal(self, name):
        bal = Bal(HOMES / name, self.binary)
        self.bals.append(bal)
        return bal

    def documents(self, bal, name):
        """The documents that bal hands over as it is now."""
        before = bal.process().pid
        text = bal.home / "stand-in"
        command = f'"{sys.executable}" "{Path(__file__).resolve()}" --stand-in "{self.handover / name}"'
        text.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
        bal.install(text)
        bal.run("upgrade", fails=True)
        bal.install(self.binary)
        if bal.process().pid != before:
            raise RuntimeError("another process serves after an upgrade that failed")
        for word in ("hello", "serve"):
            json.loads((self.handover / f"{name}.{word}.json").read_bytes())

    def log(self, bal, name, file=LOG):
        """A decision log, and what the version that wrote it says of it."""
        copy = self.decisions / f"{name}.ndjson"
        shutil.copyfile(bal.home / file, copy)
        copy.chmod(0o644)
        shutil.copyfile(copy, bal.home / copy.name)
        said = bal.run("replay", copy.name, "--json")
        (self.decisions / f"{name}.replay.json").write_text(said, encoding="utf-8")


def started(capture, name, backends, runtime=None, **keys):
    bal = capture.bal(name)
    bal.configure(backends, runtime, **keys)
    bal.start()
    bal.see_up()
    return bal


def fresh(capture):
    bal = started(capture, "fresh", [Backend("a"), Backend("b")])
    capture.documents(bal, "fresh")
    bal.stop()


def traffic(capture):
    bal = started(capture, "traffic", [Backend("a"), Backend("b")])
    bal.use(5)
    with bal.connect() as one, bal.connect() as two:
        exchange(one, bytes(1000))
        exchange(two, bytes(2_000_000))
        bal.see("two connections are open", lambda s: s["active_connections"] == 2)
        capture.documents(bal, "traffic")
    bal.stop()


def down(capture):
    backend = Backend("b")
    bal = started(capture, "down", [Backend("a"), backend])
    backend.refuse()
    bal.use(4)
    bal.see_state(backend, "down")
    backend.serve()
    bal.see_up()
    backend.refuse()
    bal.see_state(backend, "down")
    bal.use(4)
    capture.documents(bal, "down")
    backend.serve()
    bal.see_up()
    bal.use(4)
    capture.documents(bal, "recovered")
    bal.stop()


def hanging(capture):
    backend = Backend("b")
    bal = started(capture, "hanging", [Backend("a"), backend])
    backend.hang()
    bal.use(2)
    bal.see_state(backend, "down")
    capture.documents(bal, "hanging")
    bal.stop()


def cooling(capture):
    backend = Backend("b")
    bal = started(capture, "cooling", [Backend("a"), backend], LONG_COOLDOWN)
    backend.refuse()
    bal.use(4)
    bal.see_state(backend, "cooling")
    capture.documents(bal, "cooling")
    bal.stop()


def protection(capture):
    backend = Backend("a")
    bal = started(capture, "protection", [backend], {"protection_stable_success_threshold": 3})
    backend.refuse()
    bal.use(1)
    bal.see("protection mode is on", lambda s: s["protection_mode"]["enabled"])
    capture.documents(bal, "protection-exhausted")
    backend.serve()
    bal.see("protection mode is off", lambda s: not s["protection_mode"]["enabled"])
    capture.documents(bal, "protection-ended")
    bal.stop()

    backend = Backend("b")
    storm = {**LONG_COOLDOWN, "failover_backoff_initial_ms": 1, "failover_backoff_max_ms": 1, "backend_cooldown_ms": 0,
             "protection_trigger_threshold": 3, "protection_stable_success_threshold": 1000}
    bal = started(capture, "storm", [Backend("a"), backend], storm)
    backend.refuse()
    wait_for("protection mode is on", lambda: bal.use(2) and bal.status()["protection_mode"]["enabled"])
    capture.documents(bal, "protection-storm")
    bal.stop()


def draining(capture):
    stays, leaves = Backend("a"), Backend("b")
    bal = started(capture, "draining", [stays, leaves])
    with bal.connect() as one, bal.connect() as two:
        exchange(one, b"request")
        exchange(two, b"request")
        bal.configure([stays])
        bal.run("graceful")
        bal.see_state(leaves, "draining")
        capture.documents(bal, "draining")
    bal.stop()


def name(capture):
    backend = Backend("a")
    bal = started(capture, "name", [("localhost", backend.port), Backend("b")])
    bal.use(2)
    capture.documents(bal, "name")
    bal.stop()


def refused_reload(capture):
    backend = Backend("a")
    bal = started(capture, "refused-reload", [backend])
    bal.configure([backend], method="fastest")
    bal.run("graceful", fails=True)
    capture.documents(bal, "refused-reload")
    bal.stop()


def custom(capture):
    bal = started(capture, "custom", [Backend("a"), Backend("b"), Backend("c", "::1")], CUSTOM,
                  mode="advanced", log_level="debug", decision_log=LOG)
    bal.use(3)
    capture.documents(bal, "custom")
    bal.stop()


def overload(capture):
    bal = started(capture, "overload", [Backend("a")], {"max_concurrent_connections": 1})
    with bal.connect() as only:
        exchange(only, b"request")
        bal.use(3)
        bal.see("clients were rejected", lambda s: s["rejected_connections"] == 3)
        capture.documents(bal, "overload")
    bal.stop()


def upgraded(capture):
    bal = started(capture, "upgraded", [Backend("a"), Backend("b")])
    first = bal.process()
    with bal.connect() as one:
        exchange(one, b"request")
        bal.run("upgrade")
        bal.process()
        with bal.connect() as two:
            exchange(two, b"request")
            capture.documents(bal, "second-upgrade")
            bal.run("upgrade")
            bal.process()
            one.close()
            wait_for("the first process has ended", first.has_ended)
            bal.see("one process drains", lambda s: len(s["previous"]) == 1)
            capture.documents(bal, "third-upgrade")
    bal.stop()


def log_healthy(capture):
    stays, comes = Backend("a"), Backend("b")
    bal = started(capture, "log-healthy", [stays], decision_log=LOG)
    bal.use(3)
    bal.configure([stays, comes], decision_log=LOG)
    bal.run("graceful")
    bal.see_up()
    bal.use(3)
    bal.configure([comes], decision_log=LOG, method="fastest")
    bal.run("graceful", fails=True)
    bal.configure([comes], decision_log=LOG)
    bal.run("graceful")
    bal.use(3)
    bal.stop()
    capture.log(bal, "healthy")


def log_failing(capture):
    one, two = Backend("a"), Backend("b")
    bal = started(capture, "log-failing", [one, two], decision_log=LOG)
    two.refuse()
    bal.use(4)
    bal.see_state(two, "down")
    one.refuse()
    bal.use(2)
    bal.see("protection mode is on", lambda s: s["protection_mode"]["enabled"])
    bal.see_state(one, "down")
    one.serve()
    bal.see_state(one, "up")
    two.hang()
    bal.see("a check of it timed out", lambda s: any(b["counters"]["timeout"] for b in s["backends"]))
    two.serve()
    bal.see_up()
    bal.use(4)
    bal.see("protection mode is off", lambda s: not s["protection_mode"]["enabled"])
    bal.stop()
    capture.log(bal, "failing")


def log_storm(capture):
    backend = Backend("b")
    storm = {**LONG_COOLDOWN, "failover_backoff_initial_ms": 100, "failover_backoff_max_ms": 400,
             "backend_cooldown_ms": 50, "protection_trigger_threshold": 3, "protection_stable_success_threshold": 5}
    bal = started(capture, "log-storm", [Backend("a"), backend], storm, decision_log=LOG)
    backend.refuse()
    wait_for("protection mode is on", lambda: bal.use(2) and bal.status()["protection_mode"]["enabled"])
    backend.serve()
    bal.see("protection mode is off", lambda s: bal.use(1) and not s["protection_mode"]["enabled"])
    bal.stop()
    capture.log(bal, "storm")


def log_name(capture):
    backend = Backend("a")
    bal = started(capture, "log-name", [("localhost", backend.port)], decision_log=LOG)
    bal.use(2)
    backend.refuse()
    bal.use(1)
    bal.see("the backend is down", lambda s: s["backend_reachable"] == 0)
    backend.serve()
    bal.see_up()
    bal.stop()
    capture.log(bal, "name")


def log_overload(capture):
    bal = started(capture, "log-overload", [Backend("a")], {"max_concurrent_connections": 1}, decision_log=LOG)
    with bal.connect() as only:
        exchange(only, b"request")
        bal.use(3)
        bal.see("clients were rejected", lambda s: s["rejected_connections"] == 3)
    bal.stop()
    capture.log(bal, "overload")


def log_draining(capture):
    stays, leaves = Backend("a"), Backend("b")
    bal = started(capture, "log-draining", [stays, leaves], CUSTOM, decision_log=LOG)
    with bal.connect() as one, bal.connect() as two:
        exchange(one, b"request")
        exchange(two, b"request")
        bal.configure([stays], CUSTOM, decision_log=LOG)
        bal.run("graceful")
        bal.see_state(leaves, "draining")
    bal.see("the removed backend is gone", lambda s: s["backend_total"] == len(s["backends"]) == 1)
    bal.stop()
    capture.log(bal, "draining")


def log_reopened(capture):
    bal = started(capture, "log-reopened", [Backend("a")], decision_log=LOG)
    bal.use(2)
    file = bal.home / LOG
    aside = file.rename(f"{file}.1")
    bal.process().send(signal.SIGUSR1)
    wait_for("another decision log begins", file.exists)
    bal.use(2)
    bal.stop()
    capture.log(bal, "reopened-before", aside.name)
    capture.log(bal, "reopened-after")


def log_restarted(capture):
    bal = started(capture, "log-restarted", [Backend("a")], decision_log=LOG)
    bal.stop()
    bal.start()
    bal.see_up()
    bal.stop()
    capture.log(bal, "restarted")


def log_upgraded(capture):
    stays, comes = Backend("a"), Backend("b")
    bal = started(capture, "log-upgraded", [stays], decision_log=LOG)
    with bal.connect() as open_before:
        exchange(open_before, b"request")
        bal.run("upgrade")
        bal.process()
        bal.configure([stays, comes], decision_log=LOG)
        bal.run("graceful")
        bal.see_up()
        comes.refuse()
        bal.use(2)
        bal.see_state(comes, "down")
        comes.serve()
        bal.see_up()
    bal.see("the first process has ended", lambda s: not s["previous"])
    bal.stop()
    capture.log(bal, "upgraded")


SITUATIONS = [
    fresh, traffic, down, hanging, cooling, protection, draining, name, refused_reload, custom, overload, upgraded,
    log_healthy, log_failing, log_storm, log_name, log_overload, log_draining, log_reopened, log_restarted,
    log_upgraded,
]


def main():
    if sys.argv[1:2] == ["--stand-in"]:
        return stand_in(sys.argv[2])
    names = {situation.__name__.replace("_", "-"): situation for situation in SITUATIONS}
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", metavar="BINARY", type=Path)
    arguments.add_argument("version", metavar="VERSION")
    arguments.add_argument("names", metavar="NAME", nargs="*", help=", ".join(names))
    options = arguments.parse_args()
    if unknown := [word for word in options.names if word not in names]:
        arguments.error(f"unknown situation: {', '.join(unknown)}")
    try:
        HOMES.mkdir(mode=0o700)
    except FileExistsError:
        arguments.error(f"{HOMES} exists: remove it if no other capture is running")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    capture = Capture(options.binary.resolve(strict=True), options.version)
    try:
        for word in options.names or names:
            print(word, flush=True)
            names[word](capture)
    finally:
        for bal in capture.bals:
            bal.end()
        shutil.rmtree(HOMES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
