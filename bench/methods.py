"""New connections by each method of choosing a backend, in one interleaved run. Run it through bench/methods.sh.

All targets of a table run side by side, those that are not measured idle. Each round measures every target once, in an
order that moves on from round to round; ratios are taken within a round, and then the median over the rounds. The backends
are addresses of 127.0.0.0/8 with one server behind them, so that a thousand of them cost no more than one.
"""

import argparse
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench import CORE_BALANCER, CORE_REST, HERE, Process, await_quiet, free_port, measure, median_of, wait_port

# bal's word, HAProxy's lines and nginx's lines.
METHODS = {
    "round_robin": ("balance roundrobin", ""),
    "least_connections": ("balance leastconn", "least_conn;"),
    "random_two": ("balance random(2)", "random two least_conn;"),
    "source_hash": ("balance source\n  hash-type consistent", "hash $remote_addr consistent;"),
}
# Beside a thousand health checks, HAProxy does not start with more on a hard limit of 20,000 descriptors.
CONNECTIONS = 4_000


def addresses(count):
    return [f"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}" for i in range(count)]


class Target:
    def __init__(self, method, backends, port, loops, work):
        self.method, self.loops, self.port = method, loops, free_port()
        self.work = work / f"{self.name}-{method}"
        self.work.mkdir()
        self.process = self.begin([f"{address}:{port}" for address in addresses(backends)])


class Bal(Target):
    name, binary = "bal", None

    def begin(self, backends):
        listed = "".join(f"  - {backend}\n" for backend in backends)
        (self.work / "config.yaml").write_text(f"""port: {self.port}
bind_address: 127.0.0.1
method: {self.method}
backends:
{listed}runtime:
  threads: {self.loops}
  health_check_interval_ms: 60000
  health_check_timeout_ms: 1000
  max_concurrent_connections: {CONNECTIONS}
""")
        return Process(CORE_BALANCER, [self.binary, "start"], {"BAL_HOME": str(self.work)})


class HAProxy(Target):
    name = "haproxy"

    def begin(self, backends):
        servers = "".join(f"  server s{i} {backend} check inter 60s\n" for i, backend in enumerate(backends))
        config = self.work / "haproxy.cfg"
        config.write_text(f"""global
  maxconn {CONNECTIONS}
  nbthread {self.loops}
defaults
  mode tcp
  timeout connect 1s
  timeout client 120s
  timeout server 120s
listen bench
  bind 127.0.0.1:{self.port}
  {METHODS[self.method][0]}
{servers}""")
        return Process(CORE_BALANCER, ["haproxy", "-db", "-f", str(config)])


class Nginx(Target):
    name = "nginx"

    def begin(self, backends):
        servers = " ".join(f"server {backend};" for backend in backends)
        config = self.work / "nginx.conf"
        config.write_text(f"""load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes {self.loops}; pid {self.work}/nginx.pid; error_log {self.work}/nginx.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 19900; }}
stream {{
  upstream backend {{ zone backend 4m; {METHODS[self.method][1]} {servers} }}
  server {{ listen 127.0.0.1:{self.port} backlog=4096; proxy_pass backend; proxy_timeout 120s; }}
}}
""")
        return Process(CORE_BALANCER, ["nginx", "-p", str(self.work), "-c", str(config)])


def backend(work):
    port, config = free_port(), work / "backend.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {work}/backend.pid; error_log {work}/backend.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 19900; }}
http {{ access_log off;
  server {{ listen 0.0.0.0:{port} backlog=4096; location / {{ return 200 "hello\\n"; }} }} }}
""")
    process = Process(CORE_REST, ["nginx", "-p", str(work), "-c", str(config)])
    wait_port(port)
    return port, process


def run(backends, loops, rounds, seconds):
    """For each (balancer, method) what it did in each round."""
    with tempfile.TemporaryDirectory(prefix="bal-methods-") as directory:
        work = Path(directory)
        running, seen = [], {}
        try:
            port, server = backend(work)
            running.append(server)
            targets = []
            for kind in (Bal, HAProxy, Nginx):
                for method in METHODS:
                    targets.append(kind(method, backends, port, loops, work))
                    running.append(targets[-1].process)
            for target in targets:
                wait_port(target.port, 60)
            for number in range(rounds):
                turn = number % len(targets)
                for target in targets[turn:] + targets[:turn]:
                    result = measure(target, "connections", seconds)
                    seen.setdefault((target.name, target.method), []).append(result)
                print(f"{backends} backends, {loops} loops: round {number + 1} of {rounds}", flush=True)
        finally:
            for process in reversed(running):
                process.stop()
        return seen


def ratio(seen, key, to, of):
    pairs = zip(seen[key], seen[to])
    found = median_of("r", [mine[of] / theirs[of] for mine, theirs in pairs])
    low, high = found["r_between"]
    return f"{found['r']:.2f} [{low:.2f}..{high:.2f}]"


def rows(seen):
    for (name, method), results in seen.items():
        rate, cpu = (statistics.median(r[key] for r in results) for key in ("rate", "cpu"))
        failed = sum(r["failed"] for r in results)
        yield " | ".join(["", name, f"`{method}`", f"{rate:,.0f}", f"{cpu:.2f}",
                          ratio(seen, (name, method), (name, "round_robin"), "cpu"),
                          ratio(seen, (name, method), ("haproxy", method), "rate"),
                          ratio(seen, (name, method), ("haproxy", method), "cpu"), str(failed), ""]).strip()


def version(*command):
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return (said.stdout + said.stderr).splitlines()[0]


def main():
    numbers = lambda text: [int(number) for number in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="rounds of a table (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of a measurement (default: %(default)s)")
    parser.add_argument("--backends", type=numbers, default=[16, 1000], help="numbers of backends (default: 16,1000)")
    parser.add_argument("--loops", type=numbers, default=[1, 2, 8], help="event loops or threads (default: 1,2,8)")
    parser.add_argument("--bal", default=str(HERE.parent / "dist" / "bal"), help="the program (default: dist/bal)")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "bench" / "methods.md")
    options = parser.parse_args()
    Bal.binary = str(Path(options.bal).resolve())
    busy = await_quiet()
    text = [f"{version(Bal.binary, '--version')}; {version('haproxy', '-v')}; {version('nginx', '-v')}. "
            f"Linux {platform.release()}; balancer on one core, clients and backends on the other; a new connection per "
            f"request, 64 clients; {options.rounds} rounds of {options.seconds} s, medians, in brackets where the true "
            f"median lies (95 %). {busy:.0%} of the machine was busy with something else before the run. More loops than "
            "cores show what sharing costs, not what more cores bring.\n"]
    for backends in options.backends:
        for loops in options.loops:
            text.append(f"\n**{backends} backends, {loops} {'loop' if loops == 1 else 'loops'}**\n\n"
                        "| target | method | connections/s | CPU s per 100k | CPU to its round robin | rate to HAProxy's "
                        "| CPU to HAProxy's | failed |\n|---|---|---|---|---|---|---|---|\n")
            seen = run(backends, loops, options.rounds, options.seconds)
            text.extend(f"{row}\n" for row in rows(seen))
            options.out.write_text("".join(text))


if __name__ == "__main__":
    main()
