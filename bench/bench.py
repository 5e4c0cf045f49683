"""Interleaved comparison of L4 balancers on loopback. Run it through bench/run.sh.

The balancer is pinned to core 0, clients and backends to core 1. All targets run side by side, those that are not measured
idle, and are started anew after as many rounds as there are targets. Each round measures every target once, in an order that is
balanced over the rounds; ratios are taken within a round and then the median over the rounds, so that a machine that
drifts does not decide, with the interval in which the true median lies (95 %). A measurement during which the
hypervisor stole time is repeated.
"""

import argparse
import ctypes
import json
import math
import os
import platform
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from report import against_targets, chart, measured_on, table

HERE = Path(__file__).resolve().parent
CORE_BALANCER, CORE_REST = "0", "1"
BUSY_LIMIT, QUIET_PATIENCE = 0.10, 60
CHURN_CONNECTIONS, CHURN_SAMPLES = 1_000_000, 10
STEAL_LIMIT = 0.05
TRIES = 3
IDLE_CONNECTIONS = 9_500
# Requests differ by a few per cent from target to target: many short rounds. A stream is slow at first: fewer long ones.
ROUNDS = {"http": 24, "iperf": 6}
SECONDS = {"http": 1, "iperf": 3}
CLONE_NEWNET = 0x40000000
CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")


def free_port():
    """A port as services use them: below those that the kernel gives to connecting sockets."""
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(5_000, ephemeral), 100):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit("no free port below the ephemeral ones")


def wait_port(port, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port} after {seconds} s")


def wait_listening(port, seconds=10):
    """As wait_port, without a connection: by proc(5), where state 0A is a listener."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sockets = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
        if any(fields[1].endswith(f":{port:04X}") and fields[3] == "0A" for fields in sockets):
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port} after {seconds} s")


def steal_ticks():
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(fields[8]), sum(map(int, fields[1:9]))


def busy_ticks():
    fields = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    return sum(fields) - fields[3] - fields[4], sum(fields)


def await_quiet():
    """Waits until the machine has little else to do; the share of its time that was busy in the last second."""
    end = time.monotonic() + QUIET_PATIENCE
    while True:
        before = busy_ticks()
        time.sleep(1)
        after = busy_ticks()
        busy = (after[0] - before[0]) / max(1, after[1] - before[1])
        if busy <= BUSY_LIMIT or time.monotonic() > end:
            return busy
        print(f"waiting: the machine is {busy:.0%} busy with something else", flush=True)


class Process:
    """A program and its children, pinned, with their CPU time and memory."""

    def __init__(self, core, command, env=None):
        self.command = command
        self.child = subprocess.Popen(
            ["taskset", "-c", core, *command], env={**os.environ, **(env or {})},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pids(self):
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        return [self.child.pid, *map(int, children)]

    def cpu(self):
        """Seconds, as exact as the scheduler has them; /proc/PID/stat counts in hundredths."""
        # The clock of a process, as clock_getcpuclockid(3) makes it of a PID: CPUCLOCK_SCHED is 2.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids())

    def memory(self, key):
        total = 0
        for pid in self.pids():
            found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
            total += int(found.group(1)) * 1024 if found else 0
        return total

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Direct:
    name = "direct"
    process = None

    def start(self, work, backend):
        self.port, self.process = backend, None


class HAProxy:
    name = "haproxy"
    process = None

    def start(self, work, backend):
        self.port = free_port()
        config = work / "haproxy.cfg"
        # maxpipes and splice-auto give it the chance to splice, as `relay: auto` does for bal.
        config.write_text(f"""global
  maxconn 9800
  nbthread 1
  maxpipes 64
defaults
  mode tcp
  option splice-auto
  timeout connect 1s
  timeout client 120s
  timeout server 120s
listen bench
  bind 127.0.0.1:{self.port}
  server backend 127.0.0.1:{backend} check inter 5s
""")
        self.process = Process(CORE_BALANCER, ["haproxy", "-db", "-f", str(config)])


class Nginx:
    name = "nginx"
    process = None

    def start(self, work, backend):
        self.port = free_port()
        config = work / "nginx-stream.conf"
        config.write_text(f"""load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes 1; pid {work}/nginx-stream.pid; error_log {work}/nginx-stream.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 19900; }}
stream {{
  upstream backend {{ server 127.0.0.1:{backend}; }}
  server {{ listen 127.0.0.1:{self.port} backlog=4096; proxy_pass backend; proxy_timeout 120s; }}
}}
""")
        self.process = Process(CORE_BALANCER, ["nginx", "-p", str(work), "-c", str(config)])


class Bal:
    process = None

    def __init__(self, binary, relay):
        self.binary, self.relay, self.name = binary, relay, f"bal-{relay}"

    def start(self, work, backend):
        self.port = free_port()
        home = work / self.name
        home.mkdir(exist_ok=True)
        (home / "config.yaml").write_text(f"""port: {self.port}
bind_address: 127.0.0.1
backends:
  - host: 127.0.0.1
    port: {backend}
runtime:
  threads: 1
  relay: {self.relay}
  health_check_interval_ms: 5000
  max_concurrent_connections: 9800
""")
        self.process = Process(CORE_BALANCER, [self.binary, "start"], {"BAL_HOME": str(home)})


def wrk(port, seconds, *extra):
    out = subprocess.run(
        ["taskset", "-c", CORE_REST, "wrk", "-t1", "-c64", f"-d{seconds}s", "-s", str(HERE / "latency.lua"), *extra,
         f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99, p999, worst = map(int, re.search(r"beyond: p99=(\d+) p99.9=(\d+) max=(\d+)", out).groups())
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    failed = sum(map(int, errors.groups())) if errors else 0
    return {"units": requests, "rate": rate, "failed": failed,
            "p99_ms": p99 / 1e3, "p999_ms": p999 / 1e3, "max_ms": worst / 1e3}


def iperf(port, seconds, *extra):
    out = subprocess.run(
        ["taskset", "-c", CORE_REST, "iperf3", "-c", "127.0.0.1", "-p", str(port), "-t", str(seconds), "-J", *extra],
        capture_output=True, text=True, check=True).stdout
    end = json.loads(out)["end"]["sum_received"]
    return {"units": end["bytes"] / 1e9, "rate": end["bits_per_second"] / 1e9, "failed": 0}


WORKLOADS = {
    "requests": ("http", "request/response, 64 persistent connections", "requests/s", "s per 1M requests", 1e6,
                 lambda port, s: wrk(port, s)),
    "connections": ("http", "a new connection per request, 64 clients", "connections/s", "s per 100k connections", 1e5,
                    lambda port, s: wrk(port, s, "-H", "Connection: close")),
    "bulk1-up": ("iperf", "bulk, 1 stream to the backend", "Gbit/s", "s per GB", 1, lambda port, s: iperf(port, s)),
    "bulk1-down": ("iperf", "bulk, 1 stream from the backend", "Gbit/s", "s per GB", 1,
                   lambda port, s: iperf(port, s, "-R")),
    "bulk8-up": ("iperf", "bulk, 8 streams to the backend", "Gbit/s", "s per GB", 1,
                 lambda port, s: iperf(port, s, "-P", "8")),
    "bulk8-down": ("iperf", "bulk, 8 streams from the backend", "Gbit/s", "s per GB", 1,
                   lambda port, s: iperf(port, s, "-P", "8", "-R")),
}


def backends(work):
    http, bulk = free_port(), free_port()
    config = work / "backend.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {work}/backend.pid; error_log {work}/backend.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 19900; }}
http {{ access_log off; keepalive_requests 1000000000; client_header_timeout 300s;
  server {{ listen 127.0.0.1:{http} backlog=4096; location / {{ return 200 "hello\\n"; }} }} }}
""")
    running = [Process(CORE_REST, ["nginx", "-p", str(work), "-c", str(config)]),
               Process(CORE_REST, ["iperf3", "-s", "-p", str(bulk)])]
    wait_port(http)
    wait_listening(bulk)
    return {"http": http, "iperf": bulk}, running


def start_all(targets, kind, ports, work):
    for target in targets:
        target.start(work, ports[kind])
    for target in targets:
        # A connection to the bulk backend that says nothing would keep it from the next one.
        wait_port(target.port) if kind == "http" else wait_listening(target.port)


def stop_all(targets):
    for target in targets:
        if target.process:
            target.process.stop()
            target.process = None


def measure(target, workload, seconds):
    _, _, _, _, scale, run = WORKLOADS[workload]
    for attempt in range(TRIES):
        cpu = target.process.cpu() if target.process else 0
        stolen, total = steal_ticks()
        result = run(target.port, seconds)
        stolen_after, total_after = steal_ticks()
        if target.process:
            result["cpu"] = (target.process.cpu() - cpu) / result["units"] * scale
        result["steal"] = (stolen_after - stolen) / max(1, total_after - total)
        if result["steal"] <= STEAL_LIMIT:
            break
    result["tries"] = attempt + 1
    return result


def idle(target, ports, work):
    """Base memory, memory per open idle connection, and CPU time over a second of idleness."""
    target.start(work, ports["http"])
    clients = []
    try:
        wait_port(target.port)
        time.sleep(1)
        base, base_anon = target.process.memory("VmRSS"), target.process.memory("RssAnon")
        for _ in range(IDLE_CONNECTIONS):
            clients.append(socket.create_connection(("127.0.0.1", target.port)))
        time.sleep(2)
        anon, cpu = target.process.memory("RssAnon"), target.process.cpu()
        time.sleep(2)
        return {"base_mb": base / 1e6, "bytes_each": (anon - base_anon) / IDLE_CONNECTIONS,
                "cpu_percent": (target.process.cpu() - cpu) / 2 * 100}
    finally:
        for client in clients:
            client.close()
        target.process.stop()


def churn(targets, ports, work):
    """
    Memory and tail latency while a million connections come and go through each target, one request each. The targets take
    turns, each one first as often as last, so that what the machine does meanwhile falls on all alike.
    """
    results = {t.name: {"samples": [], "failed": 0} for t in targets}
    running = []
    try:
        for target in targets:
            target.start(work, ports["http"])
            running.append(target.process)
        for target in targets:
            wait_port(target.port)
        for part in range(4 * CHURN_SAMPLES):
            for target in targets if part % 2 == 0 else reversed(targets):
                own = results[target.name]
                result = wrk(target.port, 10, "-H", "Connection: close")
                own["failed"] += result["failed"]
                done = result["units"] + (own["samples"][-1]["connections"] if own["samples"] else 0)
                own["samples"].append({"connections": done, "rss_mb": target.process.memory("VmRSS") / 1e6,
                                       "p99_ms": result["p99_ms"], "p999_ms": result["p999_ms"], "max_ms": result["max_ms"]})
                print(f"churn {target.name}: {own['samples'][-1]}", flush=True)
            if all(r["samples"][-1]["connections"] >= CHURN_CONNECTIONS for r in results.values()):
                break
        return results
    finally:
        for process in running:
            process.stop()


def order_of(targets, r):
    """
    The order of round r. Over as many rounds as there are targets (an even number) each one follows each other one exactly
    once (a Williams square): what a run leaves behind, a rested core after no balancer, closing sockets after many
    connections, falls on all alike. A mere rotation would always give it to the same neighbour.
    """
    n = len(targets)
    zigzag = [(i + 1) // 2 if i % 2 else (n - i // 2) % n for i in range(n)]
    return [targets[(place + r) % n] for place in zigzag]


def enter_network(congestion):
    """A network of its own, in which nothing but the congestion control is set. Not every one may be (tcp(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise SystemExit(f"--congestion needs a network namespace, and so root: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        CONGESTION.write_text(congestion)
    except OSError as e:
        raise SystemExit(f"{congestion} is not available in a network namespace ({e}); "
                         f"those that are: {CONGESTION.with_name('tcp_allowed_congestion_control').read_text().strip()}")


def version(*command):
    out = subprocess.run(command, capture_output=True, text=True)
    return (out.stdout + out.stderr).strip().splitlines()[0]


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--bal", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--rounds", type=int, help=f"instead of {ROUNDS}; a multiple of the number of targets is balanced")
    args.add_argument("--seconds", type=int, help=f"of each measurement, instead of {SECONDS}")
    args.add_argument("--congestion", help="the congestion control of a network namespace of its own to measure in; "
                                           "the machine's network as it is without")
    args.add_argument("--only", default=",".join([*WORKLOADS, "idle", "churn"]))
    args = args.parse_args()
    if os.cpu_count() < 2:
        raise SystemExit("two cores are needed: one for the balancer, one for everything else")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    if args.congestion:
        enter_network(args.congestion)

    targets = [Direct(), HAProxy(), Nginx(), Bal(args.bal, "auto"), Bal(args.bal, "copy"), Bal(args.bal, "splice")]
    chosen = args.only.split(",")
    results = {"machine": {"kernel": platform.release(), "cores": os.cpu_count(), "busy_before": await_quiet(),
                           "congestion": CONGESTION.read_text().strip()},
               "versions": {"haproxy": version("haproxy", "-v"), "nginx": version("nginx", "-v"),
                            "bal": version(args.bal, "--version")},
               "workloads": {}, "idle": {}, "churn": {}}
    work = Path(tempfile.mkdtemp(prefix="bal-bench-"))
    ports, running = backends(work)
    try:
        for name in [w for w in WORKLOADS if w in chosen]:
            kind, title, rate_unit, cpu_unit, _, _ = WORKLOADS[name]
            count, seconds = args.rounds or ROUNDS[kind], args.seconds or SECONDS[kind]
            rounds = []
            for r in range(count):
                if r % len(targets) == 0:
                    stop_all(targets)
                    start_all(targets, kind, ports, work)
                rounds.append({t.name: measure(t, name, seconds) for t in order_of(targets, r)})
                print(f"{name} round {r + 1}/{count}: " + "  ".join(
                    f"{t.name} {rounds[-1][t.name]['rate']:.4g}" for t in targets), flush=True)
            stop_all(targets)
            results["workloads"][name] = {
                "title": title, "rate_unit": rate_unit, "cpu_unit": cpu_unit, "seconds": seconds, "rounds": rounds,
                "summary": {t.name: summarise(t.name, rounds) for t in targets}}
        if "idle" in chosen:
            for target in targets[1:4]:
                results["idle"][target.name] = idle(target, ports, work)
                print(f"idle {target.name}: {results['idle'][target.name]}", flush=True)
        if "churn" in chosen:
            results["churn"] = churn([targets[1], targets[3]], ports, work)
    finally:
        stop_all(targets)
        for process in running:
            process.stop()
        shutil.rmtree(work, ignore_errors=True)

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "results.md").write_text(table(results))
    (out / "chart.svg").write_text(chart(results))
    into_page(out.parent / "performance.md", f"{against_targets(results)}\n{measured_on(results)}\n")
    print(f"{against_targets(results)}\n{table(results)}")


def into_page(page, summary):
    """Replaces what stands between the marks of the page that shows the results, where there is such a page."""
    begin, end = "<!-- results: written by bench/run.sh -->\n", "<!-- end of results -->\n"
    text = page.read_text() if page.exists() else ""
    if begin in text and end in text:
        page.write_text(text[:text.index(begin) + len(begin)] + "\n" + summary + "\n" + text[text.index(end):])


def summarise(name, rounds):
    own = [r[name] for r in rounds]
    peer = [r["haproxy"] for r in rounds]
    rates = sorted(m["rate"] for m in own)
    summary = {"rate": statistics.median(rates), "rate_min": rates[0], "rate_max": rates[-1],
               **median_of("rate_ratio", [m["rate"] / p["rate"] for m, p in zip(own, peer)]),
               "failed": sum(m["failed"] for m in own), "steal": max(m["steal"] for m in own)}
    if "cpu" in own[0]:
        summary["cpu"] = statistics.median(m["cpu"] for m in own)
        summary |= median_of("cpu_ratio", [m["cpu"] / p["cpu"] for m, p in zip(own, peer)])
    if "p99_ms" in own[0]:
        for key in ("p99_ms", "p999_ms"):
            summary[key] = statistics.median(m[key] for m in own)
            summary |= median_of(f"{key}_ratio", [m[key] / p[key] for m, p in zip(own, peer)])
    return summary


def median_of(name, values):
    """
    The median, and the interval that holds the true one in at least 95 of 100 runs, whatever the distribution: from the
    k-th smallest to the k-th largest value, where k follows from the binomial distribution. With less than six values no
    interval does, and it is the whole range.
    """
    ordered, n = sorted(values), len(values)
    k = max([k for k in range(1, n // 2 + 1) if 2 * sum(math.comb(n, i) for i in range(k)) <= 0.05 * 2 ** n], default=1)
    return {name: statistics.median(ordered), f"{name}_between": [ordered[k - 1], ordered[n - k]]}


if __name__ == "__main__":
    main()
