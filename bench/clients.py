"""What limits per client cost a new connection, in bal's CPU, beside the same bal without them. Run it through
bench/clients.sh.

Both run side by side with one loop each and take turns, with connections from the same addresses of 127.0.0.0/8, drawn
from those that are known. Ratios are taken within a round; the table has their median. CPU is what the process
consumed, which a busy machine changes less than wall time.
"""

import argparse
import multiprocessing
import os
import random
import socket
import statistics
import tempfile
import time
from pathlib import Path

from bench import CORE_BALANCER, HERE, Process, free_port, wait_port

FORK = multiprocessing.get_context("fork")
IP_BIND_ADDRESS_NO_PORT = 24
LIMITS = "max_connections_per_client: 1000\nmax_connection_rate_per_client: 100000\n"


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def backend(port):
    """Closes every connection at once."""
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listener:
        while True:
            descriptor, _ = listener._accept()  # accept() makes an object, which costs more than the call
            os.close(descriptor)


def connect(port, numbers):
    for number in numbers:
        with socket.socket() as client:
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind((address(number), 0))
            client.connect(("127.0.0.1", port))
            client.recv(1)


class Bal:
    def __init__(self, name, binary, behind, more, work):
        self.name, self.port = name, free_port()
        home = work / name
        home.mkdir()
        (home / "config.yaml").write_text(f"""port: {self.port}
bind_address: 127.0.0.1
{more}backends:
  - 127.0.0.1:{behind}
runtime:
  threads: 1
  health_check_interval_ms: 60000
  health_check_timeout_ms: 1000
""")
        self.process = Process(CORE_BALANCER, [binary, "start"], {"BAL_HOME": str(home)})
        wait_port(self.port)

    def measure(self, numbers):
        before = self.process.cpu()
        connect(self.port, numbers)
        time.sleep(0.05)  # the last one ends
        return (self.process.cpu() - before) / len(numbers) * 1e9


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bal", default=str(HERE.parent / "dist" / "bal"))
    arguments.add_argument("--known", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--connections", type=int, default=5_000)
    arguments.add_argument("--out", default=str(HERE.parent / "docs" / "bench" / "clients.md"))
    given = arguments.parse_args()
    behind = free_port()
    server = FORK.Process(target=backend, args=(behind,), daemon=True)
    server.start()
    wait_port(behind)
    with tempfile.TemporaryDirectory() as work:
        plain = Bal("plain", given.bal, behind, "", Path(work))
        limited = Bal("limited", given.bal, behind, LIMITS, Path(work))
        for bal in (plain, limited):
            connect(bal.port, range(given.known))
        dice, seen = random.Random(1), []
        for r in range(given.rounds):
            numbers = [dice.randrange(given.known) for _ in range(given.connections)]
            order = (plain, limited) if r % 2 == 0 else (limited, plain)
            cost = {bal.name: bal.measure(numbers) for bal in order}
            seen.append(cost)
            print(f"round {r + 1}: {cost['plain']:.0f} ns, {cost['limited']:.0f} ns", flush=True)
        for bal in (plain, limited):
            bal.process.stop()
    server.kill()
    ratios = [cost["limited"] / cost["plain"] for cost in seen]
    plain_us = statistics.median(cost["plain"] for cost in seen) / 1_000
    limited_us = statistics.median(cost["limited"] for cost in seen) / 1_000
    text = (
        "| clients known | bal's CPU a connection, no limits | with both limits | ratio |\n|---|---|---|---|\n"
        f"| {given.known:,} | {plain_us:.1f} us | {limited_us:.1f} us | {statistics.median(ratios):.3f} |\n")
    print(text)
    Path(given.out).write_text(
        f"# Limits per client\n\nWritten by `bench/clients.sh`: {given.rounds} rounds of {given.connections:,} "
        f"connections each.\n\n{text}")


if __name__ == "__main__":
    main()
