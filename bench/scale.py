"""Compares how the control planes of bal and HAProxy scale. Run it through bench/scale.sh.

Both run with one thread and the same checks, and take turns. The table holds medians over the rounds, and the median
of the ratios within a round. CPU is what the process consumed, which a busy machine changes less than wall time.

A socket that listens on 0.0.0.0 accepts for all of 127.0.0.0/8, so one process is 10,000 backends, and they all fail
when it ends. As root the run has a network namespace of its own, whose count of outgoing connections shows whether
both balancers really make the checks that they are asked for.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import os
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import bench
from report import SCALE_FIGURES, scale_table, written

REPOSITORY = Path(__file__).resolve().parent.parent
LIMIT = 20.0  # seconds that any single wait or command may take
UNSUPPORTED = "not supported by this binary"
MAX_CONNECTIONS = 1_000  # each balancer reserves descriptors for these, and they do not matter here
CLIENT_PAUSE = 0.005
FLAP_SECONDS = 1.5
FORK = multiprocessing.get_context("fork")
Service = namedtuple("Service", "name port backends")  # backends are pairs of address and port
# Made every second, with a timeout of one second; so many results in a row change the state of a backend.
Checks = namedtuple("Checks", "fall rise", defaults=(3, 2))


class Backends:
    """A process that accepts on every loopback address, answers with a line if asked to, and closes."""

    def __init__(self, answer=b"", flapping=None):
        self.port, self.answer, self.flapping, self.process = bench.free_port(), answer, flapping, None

    def addresses(self, count):
        return [(f"127.1.{i // 250}.{i % 250 + 1}", self.port) for i in range(count)]

    def up(self):
        self.process = FORK.Process(target=self._accept, daemon=True)
        self.process.start()
        return self

    def down(self, *_):
        self.process.kill()
        self.process.join()

    __enter__, __exit__ = up, down

    def _accept(self):
        while True:
            with socket.create_server(("", self.port), backlog=4096) as listener:
                listener.settimeout(0.05 if self.flapping else None)
                end = time.monotonic() + (self.flapping or math.inf)
                while time.monotonic() < end:
                    with contextlib.suppress(OSError):
                        descriptor, _ = listener._accept()  # accept() makes an object, which costs more than the call
                        os.write(descriptor, self.answer) if self.answer else None
                        os.close(descriptor)
            time.sleep(self.flapping)


def exchange(port, seconds=1.0):
    """Connects through a balancer and waits for the backend to answer or to close."""
    with socket.create_connection(("127.0.0.1", port), seconds) as s:
        s.recv(16)


def await_service(port):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return exchange(port)
        time.sleep(0.0005)
    raise TimeoutError(f"no answer within {LIMIT:.0f} s of the start")


class Client:
    """A process that makes a connection every few milliseconds and records when each began and how long it took."""

    def __init__(self, port):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._run, args=(port, theirs), daemon=True)
        self.process.start()

    @staticmethod
    def _run(port, pipe):
        samples = []
        with contextlib.suppress(OSError):
            os.nice(-10)  # where that is allowed, so that it waits for the balancer and not for a core
        while not pipe.poll(CLIENT_PAUSE):
            began = time.monotonic()
            try:
                exchange(port)
                samples.append((began, time.monotonic() - began))
            except OSError:
                samples.append((began, math.inf))
        pipe.send(samples)

    def finish(self):
        self.pipe.send(None)
        return self.pipe.recv()

    def close(self):
        self.process.kill()
        self.process.join()


class Balancer:
    def __init__(self, work):
        self.work, self.child = work, None

    def start(self, services, checks):
        """Seconds from exec to the first answered connection, through the first and the last service."""
        self.write(services, checks)
        began = time.monotonic()
        self.child = self.spawn()
        for service in services[0], services[-1]:
            await_service(service.port)
        return time.monotonic() - began

    def spawn(self, *arguments):
        return subprocess.Popen([*self.command, *arguments], env={**os.environ, "BAL_HOME": str(self.work)},
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def cpu(self):
        # The clock of a process, as clock_getcpuclockid(3) makes it of a PID: utime and stime, but not in hundredths.
        return time.clock_gettime((~self.child.pid << 3) | 2)

    def rss(self):
        fields = Path(f"/proc/{self.child.pid}/statm").read_text().split()
        return int(fields[1]) * resource.getpagesize()

    def poll(self):
        """Seconds that an answer about its state took, infinite without one, and the number of backends that are up."""
        began, reachable = time.monotonic(), self.reachable()
        return math.inf if reachable is None else time.monotonic() - began, reachable

    def turn(self, number):
        """Seconds from a signal to the end of the process."""
        began = time.monotonic()
        self.child.send_signal(number)
        return self.ended(self.child, began, LIMIT)

    @staticmethod
    def ended(child, began, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return time.monotonic() - began
        child.kill()
        child.wait()
        return math.inf

    def close(self):
        if self.child:
            self.child.terminate()
            self.ended(self.child, 0, 3)
        self.child = None


class Bal(Balancer):
    name = "bal"

    def __init__(self, binary, work):
        super().__init__(work)
        self.binary, self.command = binary, [binary, "start"]
        self.write([Service(f"s{port}", port, [("127.0.0.1", port + 2)]) for port in (5001, 5002)], Checks())
        self.several = self.run("check")[0] != math.inf

    def write(self, services, checks):
        if len(services) == 1:
            text = self.service(services[0], "")
        else:
            text = "services:\n" + "".join(f"  {s.name}:\n{self.service(s, '    ')}" for s in services)
        if checks:
            text += (f"runtime:\n  threads: 1\n  max_concurrent_connections: {MAX_CONNECTIONS}\n"
                     "  health_check_interval_ms: 1000\n  health_check_timeout_ms: 1000\n"
                     f"  health_check_fail_threshold: {checks.fall}\n"
                     f"  health_check_success_threshold: {checks.rise}\n")
        (self.work / "config.yaml").write_text(text)

    @staticmethod
    def service(service, indent):
        lines = [f"port: {service.port}", "bind_address: 127.0.0.1", "backends:",
                 *(f"  - {{host: {address}, port: {port}}}" for address, port in service.backends)]
        return "".join(f"{indent}{line}\n" for line in lines)

    def run(self, *arguments):
        """Seconds that a command took, and what it printed; infinite and no object where it failed."""
        began = time.monotonic()
        with contextlib.suppress(subprocess.SubprocessError):
            done = subprocess.run([self.binary, *arguments], env={**os.environ, "BAL_HOME": str(self.work)},
                                  capture_output=True, text=True, timeout=LIMIT, check=True)
            return time.monotonic() - began, done.stdout
        return math.inf, "{}"

    def status(self, key):
        return json.loads(self.run("status", "--json")[1]).get(key)

    def reachable(self):
        return self.status("backend_reachable")

    def reload(self, services, checks):
        self.write(services, checks)
        return self.run("graceful")[0]

    def stop(self):
        return self.run("stop")[0]

    def reload_by_signal(self, services, checks):
        """Seconds from SIGHUP until status shows the new configuration."""
        before = self.status("config_version")
        self.write(services, checks)
        began = time.monotonic()
        self.child.send_signal(signal.SIGHUP)
        while time.monotonic() - began < LIMIT:
            if self.status("config_version") not in (None, before):
                return time.monotonic() - began
        return math.inf


class HAProxy(Balancer):
    name, several = "HAProxy", True

    def __init__(self, work, fin):
        super().__init__(work)
        # A check that completes its connection and ends it by FIN costs the kernel more than the usual one, cut by RST.
        self.check = "  option tcp-check\n  tcp-check connect linger\n" if fin else ""
        self.file, self.socket = work / "haproxy.cfg", work / "haproxy.sock"
        self.command = ["haproxy", "-db", "-f", str(self.file)]

    def write(self, services, checks):
        fall, rise = checks or Checks(2, 1)  # what bal takes for one backend
        interval = "1s" if checks else "500ms"
        text = (f"global\n  nbthread 1\n  maxconn {MAX_CONNECTIONS}\n  stats socket {self.socket}\n"
                "defaults\n  mode tcp\n  timeout connect 1s\n  timeout check 1s\n  timeout client 120s\n"
                f"  timeout server 120s\n{self.check}  default-server check inter {interval} fall {fall} rise {rise}\n")
        for service in services:
            text += f"listen {service.name}\n  bind 127.0.0.1:{service.port}\n" + "".join(
                f"  server s{i} {address}:{port}\n" for i, (address, port) in enumerate(service.backends))
        self.file.write_text(text)

    def reachable(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.socket))
            s.sendall(b"show stat -1 4 -1\n")  # all proxies, their servers alone
            rows = b"".join(iter(lambda: s.recv(65536), b"")).decode().splitlines()
            return sum(row.split(",")[17].startswith("UP") for row in rows if row and not row.startswith("#"))
        return None

    def reload(self, services, checks):
        """Seconds until the process that was replaced has ended, which is once its successor accepts."""
        self.write(services, checks)
        began, old = time.monotonic(), self.child
        self.child = self.spawn("-sf", str(old.pid))
        return self.ended(old, began, LIMIT)

    def stop(self):
        return self.turn(signal.SIGUSR1)


def snapshot(target):
    """The time, the CPU time of the process, and the connections that this network namespace has opened so far."""
    tcp = Path("/proc/net/snmp").read_text().split("Tcp: ")[2].split()
    return time.monotonic(), target.cpu(), int(tcp[4])


def since(before, target, options):
    elapsed, cpu, checks = (new - old for old, new in zip(before, snapshot(target)))
    return {"cpu": cpu / elapsed * 100, "checks": checks / elapsed if options.alone else math.nan, "rss": target.rss()}


def over_window(target, options):
    before = snapshot(target)
    time.sleep(options.seconds)
    return since(before, target, options)


def probes(target, size, options):
    service = Service("probed", bench.free_port(), options.accepting.addresses(size))
    checks, starts, seconds = (None, 5, []) if size == 1 else (Checks(), 1, [])
    for _ in range(starts):
        target.close()
        seconds.append(target.start([service], checks))
    time.sleep(options.warm_up)
    return {"start": statistics.median(seconds), **over_window(target, options), "status": target.poll()[0]}


def many_services(target, count, options):
    if not target.several:
        return {"start": UNSUPPORTED}
    addresses, ports = options.accepting.addresses(10 * count), set()
    while len(ports) < count:
        ports.add(bench.free_port())
    services = [Service(f"s{i}", port, addresses[10 * i:10 * i + 10]) for i, port in enumerate(sorted(ports))]
    result = {"start": target.start(services, Checks())}
    time.sleep(options.warm_up)
    result |= over_window(target, options)
    result["status"] = statistics.median(target.poll()[0] for _ in range(5))
    if isinstance(target, Bal):
        result["status_text"] = statistics.median(target.run("status")[0] for _ in range(5))
    services[-1] = services[-1]._replace(backends=services[-1].backends[:-1])
    return result | {"reload": target.reload(services, Checks()), "stop": target.stop()}


def watch(target, wanted, seconds):
    """Polls status for at least this long; seconds until it showed the wanted number, and those each answer took."""
    began, reached, answers = time.monotonic(), math.inf, []
    while (elapsed := time.monotonic() - began) < seconds or (wanted and reached == math.inf and elapsed < LIMIT):
        seconds_taken, reachable = target.poll()
        answers.append(seconds_taken)
        if reachable == wanted and reached == math.inf:
            reached = time.monotonic() - began
        time.sleep(0.1)
    return reached, answers


def storm(target, size, options):
    """All backends of one service fail at the same moment, and come back, while another one has clients."""
    with Backends() as failing, Backends(b"ok\n") as steady:
        services = [Service("steady", bench.free_port(), steady.addresses(1)),
                    Service("failing", bench.free_port(), failing.addresses(size))]
        services, others = (services, 1) if target.several else (services[1:], 0)
        target.start(services, Checks(fall=1, rise=1))
        time.sleep(options.warm_up)
        with contextlib.closing(Client(services[0].port)) if target.several else contextlib.nullcontext() as client:
            began = time.monotonic()
            _, quiet = watch(target, others + size, 2 * options.seconds)
            failed = time.monotonic()
            failing.down()
            down, during_failure = watch(target, others, options.seconds)
            failing.up()
            up, during_return = watch(target, others + size, options.seconds)
            clients = served(client.finish(), began, failed) if client else {"p99_quiet": UNSUPPORTED}
        return {"down": down, "up": up, "status_quiet": max(quiet),
                "status_worst": max(during_failure + during_return), **clients}


def served(samples, began, failed):
    quiet = [seconds for at, seconds in samples if began <= at < failed]
    storm = [seconds for at, seconds in samples if failed <= at]
    before, during = (sorted(part)[int(len(part) * 0.99)] for part in (quiet, storm))
    return {"p99_quiet": before, "p99_storm": during, "p99_ratio": during / before,
            "refused": sum(map(math.isinf, quiet + storm))}


def flap(target, size, options):
    """All backends change between up and down for as long as the measurement lasts."""
    with Backends(flapping=FLAP_SECONDS) as backends:
        service = Service("flapping", bench.free_port(), backends.addresses(size))
        target.start([service], Checks(fall=1, rise=1))
        time.sleep(options.warm_up)
        before = snapshot(target)
        _, answers = watch(target, None, options.seconds)
        result = since(before, target, options)
        result |= {"status": statistics.median(answers), "status_worst": max(answers)}
        if isinstance(target, Bal):
            result["hup"] = target.reload_by_signal([service._replace(backends=service.backends[1:])], Checks(1, 1))
        return result | {"term": target.turn(signal.SIGTERM)}


def in_turns(title, measure, size, targets, options):
    """One case of the table: its title, and a list of samples for each target."""
    samples = {target.name: [] for target in targets}
    for number in range(options.rounds):
        for target in targets if number % 2 == 0 else reversed(targets):
            try:
                with contextlib.closing(target):
                    sample = measure(target, size, options)
            except (OSError, ValueError, LookupError) as e:
                sample = {"start": f"failed: {e}"}
            samples[target.name].append(sample)
            shown = ", ".join(f"{key} {written(value, SCALE_FIGURES[key][1], LIMIT)}" for key, value in sample.items())
            print(f"{title}, round {number + 1}, {target.name}: {shown}", file=sys.stderr, flush=True)
    return title, samples


# Option, value, value with --quick, meaning.
OPTIONS = [("sizes", "50,500,2000,10000", "50,500", "backends probed each second"),
           ("services", 500, 50, "services of 10 backends"), ("storm", 2000, 200, "backends that fail and come back"),
           ("flap", 10000, 500, "backends that flap"), ("rounds", 3, 1, "turns of each balancer"),
           ("seconds", 5.0, 2.0, "length of a window"), ("warm-up", 3.0, 1.0, "seconds before a window")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bal", default=REPOSITORY / "dist/bal", metavar="PATH", help="the binary (dist/bal)")
    parser.add_argument("--out", default=REPOSITORY / "docs/bench/scale.md", metavar="FILE",
                        help="where the table goes (docs/bench/scale.md); - for standard output alone")
    parser.add_argument("--only", default="one,probes,services,storm,flap", help="a list of: %(default)s")
    parser.add_argument("--fin", action="store_true", help="HAProxy ends its checks by FIN, as bal does, not by RST")
    quick = "--quick" in sys.argv
    parser.add_argument("--quick", action="store_true", help="one short round of smaller cases, under a minute")
    for name, full, short, meaning in OPTIONS:
        parser.add_argument(f"--{name}", type=type(full), default=short if quick else full,
                            help=f"{meaning} ({full}; {short} with --quick)")
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.alone = False
    with contextlib.suppress(SystemExit, OSError, subprocess.SubprocessError):
        bench.enter_network(bench.CONGESTION.read_text().strip())
        options.alone = True
    cases = [("one", "1 backend, smallest file", probes, 1),
             *(("probes", f"{int(n):,} backends", probes, int(n)) for n in options.sizes.split(",")),
             ("services", f"{options.services:,} services of 10 backends", many_services, options.services),
             ("storm", f"{options.storm:,} backends fail and return", storm, options.storm),
             ("flap", f"{options.flap:,} backends flap", flap, options.flap)]
    with tempfile.TemporaryDirectory(prefix="bal-scale-") as work, Backends() as options.accepting:
        targets = [Bal(str(Path(options.bal).resolve()), Path(work)), HAProxy(Path(work), options.fin)]
        results = [in_turns(title, measure, size, targets, options)
                   for kind, title, measure, size in cases if kind in options.only.split(",")]
    versions = f"{bench.version(options.bal, '--version')}; {bench.version('haproxy', '-v').split(' - ')[0]}"
    text = scale_table(results, f"""{versions}. Linux {platform.release()}, {os.cpu_count()} cores, shared with other
processes. One thread each; medians of {options.rounds} rounds, {options.seconds:.0f} s a window; ratios within a round.
A check every second, timeout 1 s, fall 3 and rise 2 (1 and 1 where backends fail); HAProxy ends its checks by
{"FIN" if options.fin else "RST"}, bal by FIN. HAProxy answers `show stat` on its socket; `bal status` includes the
start of the command.""", LIMIT)
    print(text)
    if str(options.out) != "-":
        Path(options.out).write_text(text)


if __name__ == "__main__":
    main()
