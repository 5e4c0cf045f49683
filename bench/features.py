"""What each feature costs a new connection: bal with and without it, beside HAProxy with and without its own, in one
interleaved run. Run it through bench/features.sh.

The four run side by side with one loop each and take turns; one client makes one connection after the other, from
addresses of 127.0.0.0/8, sends what the feature reads (a PROXY header, a ClientHello) and a line, and waits for the end, which
the backend makes when it has the line. Ratios are taken within a round; the table has their median. CPU is what the
process consumed, which a busy machine changes less than wall time.
"""

import argparse
import ipaddress
import multiprocessing
import os
import platform
import random
import socket
import ssl
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from bench import CORE_BALANCER, CORE_REST, HERE, Process, await_quiet, free_port, wait_port, wrk

FORK = multiprocessing.get_context("fork")
IP_BIND_ADDRESS_NO_PORT = 24
LISTED = 1_000
NAME = "shop.example.org"
LINE = b"hello\n"


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def backend(port):
    """Closes every connection that has sent a line."""
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listener:
        while True:
            descriptor, _ = listener._accept()  # accept() makes an object, which costs more than the call
            try:
                while (said := os.read(descriptor, 65536)) and not said.endswith(LINE):
                    pass
            except ConnectionResetError:
                pass  # whoever only looked whether somebody listens
            os.close(descriptor)


def hello():
    """What a TLS client sends first."""
    sent, context = ssl.MemoryBIO(), ssl.create_default_context()
    session = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=NAME)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()


def proxy_header(client, port):
    """Version 2, PROXY over TCP and IPv4, as HAProxy's doc/proxy-protocol.txt has it."""
    return b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack(
        "!H4s4sHH", 12, socket.inet_aton(client), socket.inet_aton("127.0.0.1"), 40_000, port)


def networks(work):
    """Networks in which no client is, in a file."""
    listed = work / "networks"
    listed.write_text("".join(f"{ipaddress.ip_address(0x0A000000 + 512 * i)}/24\n" for i in range(LISTED)))
    return listed


def connect(port, numbers, says):
    for number in numbers:
        with socket.socket() as client:
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind((address(number), 0))
            client.connect(("127.0.0.1", port))
            client.sendall(says(address(number), port))
            if client.recv(1):
                raise SystemExit("a backend that only closes has answered")


def line(client, port):
    return LINE


class Feature:
    """The lines that turn it on, and what clients say."""

    def __init__(self, title, bal="", listen="", server="", before="", says=line, known=0, named=False):
        self.title, self.bal, self.listen, self.server, self.before = title, bal, listen, server, before
        self.says, self.known, self.named = says, known, named

    def __str__(self):
        return self.title


def features(work, known):
    greeting, listed = hello(), networks(work)
    return {
        "access_log": Feature(
            "`access_log` to a file", bal=f"access_log: {work}/access.log\n",
            before="  log stdout format raw local0\n", listen="  log global\n  option tcplog\n"),
        "lists": Feature(
            f"`allow` and `deny` with {LISTED:,} networks",
            bal=f"allow: [127.0.0.0/8, {{file: {listed}}}]\ndeny: [{{file: {listed}}}]\n",
            listen=f"  tcp-request connection reject if {{ src -f {listed} }}\n"
                   f"  tcp-request connection reject unless {{ src 127.0.0.0/8 }} or {{ src -f {listed} }}\n"),
        "limits": Feature(
            f"limits per client, {known:,} clients known", known=known,
            bal="max_connections_per_client: 1000\nmax_connection_rate_per_client: 100000\n",
            listen="  stick-table type ip size 262144 expire 1h store conn_cur,conn_rate(1s)\n"
                   "  tcp-request connection track-sc0 src\n"
                   "  tcp-request connection reject if { sc_conn_cur(0) gt 1000 } || { sc_conn_rate(0) gt 100000 }\n"),
        "proxy_protocol": Feature(
            "`proxy_protocol` v2 in and out", says=lambda client, port: proxy_header(client, port) + LINE,
            bal="proxy_protocol: {accept_from: [127.0.0.0/8], send: v2}\n", listen=" accept-proxy", server=" send-proxy-v2"),
        "server_names": Feature(
            "`server_names` (TLS ClientHello)", says=lambda client, port: greeting + LINE, named=True,
            bal=f"server_names: [{NAME}]\n",
            listen="  tcp-request inspect-delay 3s\n  tcp-request content accept if { req_ssl_hello_type 1 }\n"
                   f"  use_backend named if {{ req_ssl_sni -i {NAME} }}\n"),
    }


class Bal:
    name = "bal"

    def __init__(self, given, feature, on, behind, work):
        self.port, home = free_port(), work / f"bal-{on}"
        home.mkdir()
        lines = feature.bal if on else ""
        top = [text for text in lines.splitlines() if text.startswith("access_log")]
        own = [text for text in lines.splitlines() if text not in top]
        service = [f"port: {self.port}", "bind_address: 127.0.0.1", f"backends: [127.0.0.1:{behind}]"]
        services = [("named", service + own)] + ([("rest", service)] if feature.named and on else [])
        body = "".join(f"  {name}:\n" + "".join(f"    {text}\n" for text in texts) for name, texts in services)
        (home / "config.yaml").write_text("".join(f"{text}\n" for text in top) + f"services:\n{body}" + """runtime:
  threads: 1
  health_check_interval_ms: 60000
  health_check_timeout_ms: 1000
""")
        self.process = Process(CORE_BALANCER, [given.bal, "start"], {"BAL_HOME": str(home)})
        wait_port(self.port)


class HAProxy:
    name = "haproxy"

    def __init__(self, given, feature, on, behind, work):
        self.port, config = free_port(), work / f"haproxy-{on}.cfg"
        lines, server = (feature.listen, feature.server) if on else ("", "")
        bind, lines = (lines, "") if lines.startswith(" accept") else ("", lines)
        end = f"  server one 127.0.0.1:{behind} check inter 60s{server}\n"
        named = f"  default_backend rest\nbackend named\n{end}backend rest\n{end}" if feature.named and on else end
        config.write_text(f"""global
  maxconn 9800
  nbthread 1
{feature.before if on else ''}defaults
  mode tcp
  timeout connect 1s
  timeout client 120s
  timeout server 120s
{'frontend' if feature.named and on else 'listen'} bench
  bind 127.0.0.1:{self.port}{bind}
{lines}{named}""")
        # Its own log goes to a file by way of stdout: it writes none itself.
        self.process = Process(
            CORE_BALANCER, ["sh", "-c", f"exec haproxy -db -f {config} >> {work}/haproxy-{on}.log 2>> {work}/haproxy-{on}.errors"])
        wait_port(self.port)


def measure(target, numbers, says):
    before, clock = target.process.cpu(), time.monotonic()
    connect(target.port, numbers, says)
    took = time.monotonic() - clock
    time.sleep(0.05)  # the last one ends, and its line is written
    return {"cpu": (target.process.cpu() - before) / len(numbers) * 1e6, "rate": len(numbers) / took}


def run(name, feature, given, behind, work):
    """For each of the four, what it did in each round."""
    work.mkdir()
    targets = {}
    try:
        for kind in (Bal, HAProxy):
            for on in (False, True):
                targets[kind.name, on] = kind(given, feature, on, behind, work)
        say = lambda on: feature.says if on or feature.named else line  # noqa: E731
        for (_, on), target in targets.items():
            connect(target.port, range(feature.known), say(on))
        dice, seen = random.Random(1), {key: [] for key in targets}
        keys = list(targets)
        for number in range(given.rounds):
            numbers = [dice.randrange(feature.known or 1_000) for _ in range(given.connections)]
            turn = number % len(keys)
            for key in keys[turn:] + keys[:turn]:
                seen[key].append(measure(targets[key], numbers, say(key[1])))
        for key, results in seen.items():
            print(name, *key, f"{statistics.median(r['cpu'] for r in results):.1f} us", flush=True)
        return seen
    finally:
        for target in targets.values():
            target.process.stop()


def ratio(seen, key, to, of="cpu"):
    return statistics.median(mine[of] / theirs[of] for mine, theirs in zip(seen[key], seen[to]))


def row(feature, seen):
    cost = {key: statistics.median(r["cpu"] for r in results) for key, results in seen.items()}
    return (f"| {feature} | {cost['bal', False]:.1f} us | {cost['bal', True]:.1f} us "
            f"| {ratio(seen, ('bal', True), ('bal', False)):.2f} "
            f"| {ratio(seen, ('haproxy', True), ('haproxy', False)):.2f} "
            f"| {ratio(seen, ('bal', True), ('haproxy', True)):.2f} "
            f"| {ratio(seen, ('bal', True), ('haproxy', True), 'rate'):.2f} |\n")


def scraped(given, work):
    """Requests over persistent connections, with metrics scraped each second and with nobody who asks for them."""
    work.mkdir()
    http, web, config = free_port(), free_port(), work / "backend.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {work}/backend.pid; error_log {work}/backend.log;
events {{ worker_connections 1000; }}
http {{ access_log off; keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{http} backlog=4096; location / {{ return 200 "hello\\n"; }} }} }}
""")
    server = Process(CORE_REST, ["nginx", "-p", str(work), "-c", str(config)])
    wait_port(http)
    plain, with_web = (Bal(given, Feature(""), on, http, work) for on in (False, True))
    ends, stop = [], threading.Event()
    try:
        home = work / "bal-True"
        text = (home / "config.yaml").read_text()
        (home / "config.yaml").write_text(f"web: 127.0.0.1:{web}\n{text}")
        subprocess.run([given.bal, "reload"], env={**os.environ, "BAL_HOME": str(home)}, check=True, capture_output=True)
        wait_port(web)

        def scrape():
            while not stop.wait(1):
                urllib.request.urlopen(f"http://127.0.0.1:{web}/metrics", timeout=5).read()

        scraper = threading.Thread(target=scrape)
        scraper.start()
        for number in range(given.rounds):
            pair = {}
            for target in (plain, with_web) if number % 2 == 0 else (with_web, plain):
                before = target.process.cpu()
                result = wrk(target.port, 2)
                pair[target] = (target.process.cpu() - before) / result["units"] * 1e6
            ends.append((pair[plain], pair[with_web]))
        return (f"| metrics scraped each second, a request ({statistics.median(a for a, _ in ends):.2f} us without) "
                f"| {statistics.median(b / a for a, b in ends):.3f} |\n")
    finally:
        stop.set()
        for process in (plain.process, with_web.process, server):
            process.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bal", default=str(HERE.parent / "dist" / "bal"), help="the program (default: dist/bal)")
    parser.add_argument("--known", type=int, default=100_000, help="clients known to the limits (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of a feature (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=5_000, help="of a measurement (default: %(default)s)")
    parser.add_argument("--only", default="", help="features, by name, with commas")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "bench" / "features.md")
    given = parser.parse_args()
    given.bal = str(Path(given.bal).resolve())
    busy = await_quiet()
    behind = free_port()
    server = FORK.Process(target=backend, args=(behind,), daemon=True)
    server.start()
    os.sched_setaffinity(0, {int(CORE_REST)})
    os.sched_setaffinity(server.pid, {int(CORE_REST)})
    wait_port(behind)
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    said = subprocess.run([given.bal, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    rows, more = [], ""
    with tempfile.TemporaryDirectory(prefix="bal-features-") as directory:
        work = Path(directory)
        table = features(work, given.known)
        wanted = [name for name in given.only.split(",") if name] or [*table, "metrics"]
        for name in wanted:
            if name == "metrics":
                more = scraped(given, work / name)
            else:
                rows.append(row(table[name], run(name, table[name], given, behind, work / name)))
    server.kill()
    text = (f"Written by `bench/features.sh`. {said}; {version}. Linux {platform.release()}; balancer on one core, client and "
            f"backend on the other; {given.rounds} rounds of {given.connections:,} connections, medians. {busy:.0%} of the "
            "machine was busy with something else before the run. The rate is that of one client, which waits for each "
            "connection to end.\n\n"
            "| feature | bal's CPU a connection, off | on | on to off | HAProxy: on to off | both on: bal's CPU to HAProxy's "
            "| bal's rate to HAProxy's |\n|---|---|---|---|---|---|---|\n" + "".join(rows)
            + ("\n| feature | CPU on to off |\n|---|---|\n" + more if more else ""))
    print(text)
    given.out.write_text(text)


if __name__ == "__main__":
    main()
