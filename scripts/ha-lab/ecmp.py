#!/usr/bin/env python3
"""Three balancers behind one address, with BIRD and a router that spreads clients: see ../ha-lab.sh."""
import json
import sys
import time

from machines import ROOT, Clients, Held, Machine, Network, play, wait

VIP, PORT = "10.77.9.10", 6379
FRONT, BACK, CLIENTS = "10.77.1", "10.77.2", "10.77.3"
COUNT = 3

CONFIG = f"""
port: {PORT}
bind_address: {VIP}
method: source_hash
stop_delay_ms: 3000
drain_timeout_ms: 1000
backends: [{BACK}.21:{PORT}, {BACK}.22:{PORT}]
"""

ROUTER = f"""
router id {FRONT}.1;
protocol device {{ }}
ipv4 table balancers;
protocol kernel {{ merge paths on; kernel table KERNEL; ipv4 {{ table balancers; import none; export all; }}; }}
protocol bfd {{ interface "*" {{ min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }}; }}
template bgp balancer {{
  local as 65000; bfd on; hold time 9; connect delay time 1; error wait time 1, 5;
  ipv4 {{ table balancers; import all; export none; }};
}}
""" + "".join(f"protocol bgp lb{i} from balancer {{ neighbor {FRONT}.{10 + i} as 65001; }}\n"
              for i in range(1, COUNT + 1))

# A router that spreads connections by a table of its own, as many switches can ("resilient hashing"): only the entries of a
# balancer that leaves go to others, and one that comes gets entries that have been idle.
RESILIENT = f"""
import json, subprocess, time
def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)
hops = []
while True:
    shown = ip("-j", "route", "show", "{VIP}", "table", "100")
    route = json.loads(shown.stdout) if shown.returncode == 0 else []
    now = sorted(hop["gateway"] for way in route for hop in way.get("nexthops", [way]) if "gateway" in hop)
    if now != hops:
        ids = [gateway.split(".")[-1] for gateway in now]
        for number, gateway in zip(ids, now):
            ip("nexthop", "replace", "id", number, "via", gateway, "dev", "eth0")
        if now:
            ip("nexthop", "replace", "id", "1000", "group", "/".join(ids), "type", "resilient", "buckets", "240",
               "idle_timer", "2")
            ip("route", "replace", "{VIP}/32", "nhid", "1000")
        hops = now
    time.sleep(0.05)
"""


class Balancer(Machine):
    def __init__(self, lab, number):
        super().__init__(lab, f"lb{number}")
        self.number = number
        self.plug("eth0", "front", f"{FRONT}.{10 + number}")
        self.plug("eth1", "back", f"{BACK}.{10 + number}")
        self.run("ip", "route", "add", "default", "via", f"{FRONT}.1")
        self.run("ip", "address", "add", f"{VIP}/32", "dev", "lo")
        for program in ("dist/bal", "packaging/bird/bal-announce"):
            self.run("install", "-m", "0755", f"{ROOT}/{program}", "/usr/local/bin/")
        self.write("/var/lib/bal/config.yaml", CONFIG)
        with open(f"{ROOT}/packaging/bird/bird.conf", encoding="utf-8") as file:
            self.write("/etc/bird/bird.conf", file.read().replace("10.0.0.10", VIP).replace("10.0.1", FRONT)
                       .replace(f"router id {FRONT}.11", f"router id {FRONT}.{10 + number}"))
        self.serve()
        self.start("bird", "-f", "-c", "/etc/bird/bird.conf")
        self.start_confined("bird/bal-announce.service", "bal-announce")

    def serve(self):
        self.run("env", "BAL_HOME=/var/lib/bal", "bal", "start", "-d")

    def status(self):
        return json.loads(self.run("bal", "status", "--json").stdout)


class Lab(Network):
    def __init__(self, place, resilient):
        super().__init__(place, "front", "back", "clients")
        self.router = Machine(self, "router")
        self.router.plug("eth0", "front", f"{FRONT}.1")
        self.router.plug("eth1", "clients", f"{CLIENTS}.1")
        # By addresses and ports: one client's connections go through all of them.
        self.router.run("sysctl", "-w", "net.ipv4.ip_forward=1", "net.ipv4.fib_multipath_hash_policy=1")
        self.router.write("/etc/bird/bird.conf", ROUTER.replace("KERNEL", "100" if resilient else "254"))
        if resilient:
            self.router.start("python3", "-c", RESILIENT)
        self.router.start("bird", "-f", "-c", "/etc/bird/bird.conf")
        self.client = Machine(self, "client")
        self.client.plug("eth0", "clients", f"{CLIENTS}.100")
        self.client.run("ip", "route", "add", "default", "via", f"{CLIENTS}.1")
        for i in (1, 2):
            backend = Machine(self, f"b{i}")
            backend.plug("eth0", "back", f"{BACK}.{20 + i}")
            self.redis(backend, f"{BACK}.{20 + i}", PORT)
            backend.run("redis-cli", "-h", f"{BACK}.{20 + i}", "set", "name", f"b{i}")
        self.balancers = [Balancer(self, i) for i in range(1, COUNT + 1)]
        self.settle()

    def announced(self):
        """The balancers that the router sends clients to."""
        route = self.router.run("ip", "-j", "route", "show", VIP, check=False).stdout
        hops = [hop for way in json.loads(route or "[]") for hop in way.get("nexthops", [way])]
        return sorted(hop["gateway"] for hop in hops if "gateway" in hop)

    def settle(self):
        wait("all are announced", lambda: len(self.announced()) == COUNT)
        wait("all are ready", lambda: all(b.run("bal", "ready", "--backends", check=False).returncode == 0
                                          for b in self.balancers))


def same_backend(lab):
    """Each client meets the same backend, whichever balancer it comes through."""
    before = [b.status()["total_connections"] for b in lab.balancers]
    sources = [f"{CLIENTS}.{100 + i}" for i in range(20)]
    for source in sources[1:]:
        lab.client.run("ip", "address", "add", f"{source}/24", "dev", "eth0")
    script = f"""
import socket
for source in {sources!r}:
    names = set()
    for _ in range(15):
        with socket.create_connection(("{VIP}", {PORT}), 5, (source, 0)) as s:
            s.sendall(b"GET name\\r\\n")
            names.add(s.recv(100))
    assert len(names) == 1, (source, names)
    print(*names)
"""
    done = lab.client.run("python3", "-c", script, check=False)
    used = [b.status()["total_connections"] - was for b, was in zip(lab.balancers, before)]
    backends = len(set(done.stdout.split()))
    print(f"| source_hash: 20 clients, 15 connections each | {used} connections through each balancer, "
          f"{backends} backends, every client always the same one: {'yes' if done.returncode == 0 else 'no'} |")
    return [f"source_hash: {done.stderr[-300:]}"] if done.returncode or min(used) == 0 or backends != 2 else []


def event(lab, *scene, **more):
    """A machine that stalls loses clients, too: a fault counts if it is there twice."""
    faults = observe(lab, *scene, **more)
    if not faults:
        return faults
    print(f"played again: {'; '.join(faults)}", file=sys.stderr, flush=True)
    return observe(lab, *scene, **more)


def observe(lab, name, happens, seconds, most_failed, allowed):
    """Something happens to one balancer; the others, and new clients, are looked at.

    `allowed` says how many open connections may be lost: "its" are those of the balancer, None any number.
    """
    # The first of the route: what it leaves moves the most of the others, where the router spreads them by a plain hash.
    victim = lab.balancers[0]
    before = victim.status()["active_connections"]
    held = Held(lab.client, VIP, PORT, 90)
    its = victim.status()["active_connections"] - before
    watching = Clients(lab.client, VIP, PORT)
    time.sleep(1)
    at = time.monotonic()
    repair = happens(victim)
    time.sleep(max(0.0, seconds - (time.monotonic() - at)))
    watching.end()
    lost = held.count - held.alive()
    held.end()
    repair()
    lab.settle()
    print(f"| {name} | {watching.longest_gap:.2f} s | {len(watching.failed)} of "
          f"{len(watching.failed) + len(watching.served)} | {lost} of {held.count}, it had {its} |", flush=True)
    faults = []
    if most_failed is not None and len(watching.failed) > most_failed:
        faults.append(f"{name}: {len(watching.failed)} clients failed: {', '.join(watching.failed[:3])}")
    if allowed is not None and lost > (its if allowed == "its" else allowed):
        faults.append(f"{name}: {lost} open connections were lost, of which it had {its}")
    return faults


def again(lab):
    def do(victim):
        victim.end()
        return lambda: lab.balancers.__setitem__(0, Balancer(lab, 1))
    return do


def upgraded(lab):
    def do(_):
        for balancer in lab.balancers:
            balancer.run("bal", "upgrade")
        return lambda: None
    return do


def stopped(victim):
    victim.run("bal", "stop")
    return victim.serve


def killed(victim):
    victim.signal("bal", "KILL")
    return victim.serve


def hung(victim):
    victim.signal("bal", "STOP")
    return lambda: victim.signal("bal", "CONT")


def without_backends(victim):
    victim.cable("eth1", "down")
    return lambda: victim.cable("eth1", "up")


def watch(lab, short, resilient):
    print(f"\n{'A table of its own' if resilient else 'A plain hash'} in the router:")
    faults = [] if resilient else same_backend(lab)
    print("\n| event | new clients without service | that failed | open connections lost |\n|---|---|---|---|")
    faults += event(lab, "upgrade of all", upgraded(lab), 4, 0, allowed=0)
    # One that connects in the moment when the router changes its mind may meet the wrong balancer.
    faults += event(lab, "one stopped for maintenance", stopped, 6, 3, allowed=None if not resilient else "its")
    events = [("one machine gone", again(lab))] + ([] if short or resilient else [
        ("bal of one killed", killed), ("bal of one hangs", hung), ("one without its backends", without_backends)])
    for name, happens in events:
        faults += event(lab, name, happens, 8, None, allowed=None if not resilient else "its")
    for fault in faults:
        print(f"error: {fault}")
    return faults


def main():
    short = "--short" in sys.argv
    return max(play(lambda place: Lab(place, resilient), lambda lab: watch(lab, short, resilient))
               for resilient in (False, True))


if __name__ == "__main__":
    sys.exit(main())
