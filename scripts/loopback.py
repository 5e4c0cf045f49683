"""A bal with a home of its own and backends for it, all on the loopback interface. For the scripts beside this file."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

PATIENCE_S = 30


def wait_for(what, condition, patience_s=PATIENCE_S):
    """Returns what the condition returns, once that is true."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"timed out after {patience_s} s waiting until {what}")
        time.sleep(0.02)


def read_exactly(sock, count):
    parts = []
    while count:
        part = sock.recv(min(count, 65536))
        if not part:
            raise ConnectionError("closed in the middle of a message")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def exchange(sock, payload):
    """Sends one request and verifies the reply; returns the name of the backend that answered."""
    sock.sendall(struct.pack("!I", len(payload)) + payload)
    name = read_exactly(sock, 1)
    if read_exactly(sock, len(payload)) != payload:
        raise ValueError(f"wrong reply of {len(payload)} bytes from backend {name!r}")
    return name.decode()


class Backend:
    """Answers each request (a length in 4 bytes, and a payload) with one letter, its name, and the payload."""

    def __init__(self, name, host="127.0.0.1"):
        self.name = name.encode()
        self.host = host
        self.port = 0
        self.listener = None
        self.queued = []
        self.connections = set()
        self.serve()

    def serve(self):
        self._bind()
        self.listener.listen(1024)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def refuse(self):
        """Refuses new connections and resets the open ones; the port stays taken."""
        self._bind()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)

    def hang(self):
        """Lets new connections time out: the queue of a listener from which nobody accepts is full."""
        self.refuse()
        self.listener.listen(0)
        self.queued = [socket.socket(self.listener.family) for _ in range(2)]
        for sock in self.queued:
            sock.setblocking(False)
            sock.connect_ex((self.host, self.port))

    def _bind(self):
        if self.listener is not None:
            # One that is only closed would go on accepting for the thread that is in accept().
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for sock in self.queued:
            sock.close()
        self.queued = []
        self.listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.port = self.listener.getsockname()[1]

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        self.connections.add(connection)
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while header := connection.recv(4):
                    header += read_exactly(connection, 4 - len(header))
                    connection.sendall(self.name + read_exactly(connection, struct.unpack("!I", header)[0]))
            except OSError:
                pass
            self.connections.discard(connection)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A process that need not be a child; its number is not mixed up with that of a later one."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def has_ended(self, patience_s=0):
        return bool(select.select([self.fd], [], [], patience_s)[0])

    def send(self, number):
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            pass


class Bal:
    """One bal, installed as 'bal' in a home of its own."""

    def __init__(self, home, binary):
        self.home = Path(home)
        self.home.mkdir(mode=0o700)
        self.program = self.home / "bal"
        self.binary = Path(binary)
        self.port = free_port()
        self.processes = {}
        self.install(binary)

    def install(self, file):
        """Puts a program where bal is started from, as a package manager does it: a running one is not written to."""
        new = self.home / "bal.new"
        shutil.copy(file, new)
        new.chmod(0o755)
        new.rename(self.program)

    def configure(self, backends, runtime=None, **keys):
        """Writes the configuration; a backend is a Backend, or a pair of host and port."""
        keys = {"port": self.port, "bind_address": "127.0.0.1", **keys}
        lines = [f"{key}: {json.dumps(value)}" for key, value in keys.items()] + ["backends:"]
        for backend in backends:
            host, port = backend if isinstance(backend, tuple) else (backend.host, backend.port)
            lines += [f"  - host: {json.dumps(host)}", f"    port: {port}"]
        if runtime:
            lines += ["runtime:"] + [f"  {key}: {value}" for key, value in runtime.items()]
        (self.home / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *arguments, program=None, fails=False):
        """Runs a command of bal and returns its standard output; raises if its exit code is not the expected one."""
        done = self.attempt(*arguments, program=program)
        if (done.returncode != 0) != fails:
            raise RuntimeError(f"'bal {' '.join(arguments)}' ended with exit code {done.returncode}:\n"
                               f"{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *arguments, program=None):
        inherited = {key: value for key, value in os.environ.items()
                     if not key.startswith(("BAL_", "LISTEN_", "NOTIFY_", "WATCHDOG_"))}
        return subprocess.run(
            [program or self.binary, *arguments], cwd=self.home, env={**inherited, "BAL_HOME": str(self.home)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)

    def start(self):
        self.run("start", "-d", program=self.program)
        self.process()

    def process(self):
        """The process that the PID file names."""
        # Whoever takes the file over empties it before it writes.
        text = wait_for("a PID is written", lambda: (self.home / "bal.pid").read_text(encoding="ascii").strip())
        pid = int(text)
        if pid not in self.processes:
            self.processes[pid] = Process(pid)
        return self.processes[pid]

    def status(self):
        return json.loads(self.run("status", "--json"))

    def see(self, what, condition):
        """Waits until 'bal status' shows something; returns the status."""
        def seen():
            status = self.status()
            return status if condition(status) else None
        return wait_for(f"'bal status' shows: {what}", seen)

    def see_up(self):
        return self.see("every backend is up", lambda s: s["last_check_time"] and all(
            b["state"] == "up" for b in s["backends"]))

    def see_state(self, backend, state):
        address = f"{backend.host}:{backend.port}"
        return self.see(f"{address} is {state}", lambda s: any(
            b["address"] == address and b["state"] == state for b in s["backends"]))

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def use(self, times=1):
        """Clients that may be refused; how many were served."""
        served = 0
        for _ in range(times):
            try:
                with self.connect() as sock:
                    exchange(sock, b"request")
                    served += 1
            except ConnectionError:
                pass
        return served

    def stop(self):
        self.run("stop")
        for process in self.processes.values():
            if not process.has_ended(PATIENCE_S):
                raise RuntimeError(f"process {process.pid} is still there after 'bal stop'")

    def end(self):
        """Ends whatever is left of it."""
        try:
            pid = int((self.home / "bal.pid").read_text(encoding="ascii"))
            self.processes.setdefault(pid, Process(pid))
        except (OSError, ValueError):
            pass
        for process in self.processes.values():
            process.send(signal.SIGKILL)
