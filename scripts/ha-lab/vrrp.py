#!/usr/bin/env python3
"""Two balancers behind one address, with keepalived: see ../ha-lab.sh and docs/high-availability.md."""
import argparse
import os
import statistics
import sys
import time

from machines import ROOT, Clients, Failure, Machine, Network, play, wait

VIP, PORT = "10.77.1.10", 6379
FRONT, BACK = "10.77.1", "10.77.2"


class Bal:
    name = "bal"
    config = f"""
port: {PORT}
bind_address: {VIP}
freebind: true
stop_delay_ms: 4000
drain_timeout_ms: 1000
backends: [{BACK}.21:{PORT}, {BACK}.22:{PORT}]
"""

    # Whether the interface of the backends is watched: three lines of the file that are comments.
    tracks = False

    def keepalived(self):
        with open(f"{ROOT}/packaging/keepalived/keepalived.conf", encoding="utf-8") as file:
            text = file.read().replace("10.0.0.10/24", f"{VIP}/24")
        commented = "    #track_interface {\n    #    eth1\n    #}\n"
        return text.replace(commented, commented.replace("#", "")) if self.tracks else text

    def install(self, machine):
        machine.run("install", "-m", "0755", f"{ROOT}/dist/bal", "/usr/local/bin/bal")
        machine.write("/var/lib/bal/config.yaml", self.config)

    def serve(self, machine):
        machine.run("env", "BAL_HOME=/var/lib/bal", "bal", "start", "-d")

    def ready(self, machine):
        return machine.run("bal", "ready", "--backends", check=False).returncode == 0

    def stop(self, machine):
        machine.run("bal", "stop")

    def reload(self, machine, good):
        machine.write("/var/lib/bal/config.yaml", self.config + ("" if good else "prot: 80\n"))
        done = machine.run("bal", "reload", check=False)
        if (done.returncode == 0) != good:
            raise Failure(f"reload: {done.stdout}{done.stderr}")

    def upgrade(self, machine):
        machine.run("bal", "upgrade")


class HAProxy:
    """With the check that is usually written for it."""
    name = "haproxy"
    config = f"""
global
    stats socket /run/haproxy.sock
defaults
    mode tcp
    timeout connect 800ms
    timeout client 1h
    timeout server 1h
frontend redis
    bind {VIP}:{PORT} transparent
    default_backend redis
backend redis
    option redispatch
    server b1 {BACK}.21:{PORT} check inter 500ms fall 2 rise 1
    server b2 {BACK}.22:{PORT} check inter 500ms fall 2 rise 1
"""

    def keepalived(self):
        return (Bal().keepalived().replace("/usr/local/bin/bal ready --backends", "/usr/bin/pgrep -x haproxy")
                .replace("/usr/local/bin/bal ready", "/usr/bin/pgrep -x haproxy"))

    def install(self, machine):
        machine.write("/var/lib/bal/haproxy.cfg", self.config)

    def serve(self, machine):
        machine.run("haproxy", "-W", "-D", "-p", "/run/haproxy.pid", "-f", "/var/lib/bal/haproxy.cfg")

    def ready(self, machine):
        return machine.pids("haproxy") != []

    def stop(self, machine):
        machine.signal("haproxy", "USR1")

    def reload(self, machine, good):
        machine.write("/var/lib/bal/haproxy.cfg", self.config + ("" if good else "prot 80\n"))
        machine.run("sh", "-c", "kill -USR2 $(cat /run/haproxy.pid)")

    def upgrade(self, machine):
        self.reload(machine, True)


class Balancer(Machine):
    def __init__(self, lab, name, number):
        super().__init__(lab, name)
        self.number = number
        self.plug("eth0", "front", f"{FRONT}.{number}")
        self.plug("eth1", "back", f"{BACK}.{number}")
        self.start("ip", "monitor", "address")
        lab.engine.install(self)
        self.write("/etc/keepalived/keepalived.conf", lab.engine.keepalived())
        self.serve()
        self.announce()

    def serve(self):
        self.lab.engine.serve(self)

    def announce(self):
        self.start_confined("keepalived/hardening.conf", "keepalived", "--dont-fork", "--log-console")

    def has_address(self):
        return f"inet {VIP}/" in self.run("ip", "-4", "address", "show", "dev", "eth0").stdout

    def takeovers(self):
        """How often a machine of this name has taken the address."""
        with open(os.path.join(self.lab.place, f"{self.name}-ip.log"), encoding="utf-8") as log:
            return sum(f"inet {VIP}/" in line and "Deleted" not in line for line in log)


class Lab(Network):
    def __init__(self, engine, place):
        super().__init__(place, "front", "back")
        self.engine, self.settled = engine, None
        self.client = Machine(self, "client")
        self.client.plug("eth0", "front", f"{FRONT}.100")
        self.backends = [Machine(self, f"b{i}") for i in (1, 2)]
        for i, backend in enumerate(self.backends):
            backend.plug("eth0", "back", f"{BACK}.{21 + i}")
            self.fill(i)
        self.balancers = [Balancer(self, f"lb{i}", 10 + i) for i in (1, 2)]

    def fill(self, i):
        self.redis(self.backends[i], f"{BACK}.{21 + i}", PORT)

    def holder(self):
        having = [b for b in self.balancers if b.has_address()]
        return having[0] if len(having) == 1 else None

    def settle(self):
        """Whoever has the address, once nothing has happened for longer than keepalived takes to notice."""
        since = None

        def is_settled():
            nonlocal since
            calm = self.holder() is not None and all(self.engine.ready(b) for b in self.balancers)
            since = (since or time.monotonic()) if calm else None
            return calm and time.monotonic() - since > 4

        wait("one has the address, and both are ready", is_settled)
        self.settled = self.holder()
        return self.settled

    def again(self, machine):
        self.balancers[self.balancers.index(machine)] = Balancer(self, machine.name, machine.number)


def kill_and_restart(name):
    def do(lab, holder):
        holder.signal(name, "KILL")
        return lambda: holder.serve() if name != "keepalived" else holder.announce()
    return do


def engine_killed(lab, holder):
    return kill_and_restart(lab.engine.name)(lab, holder)


def engine_stopped(lab, holder):
    holder.signal(lab.engine.name, "STOP")
    return lambda: holder.signal(lab.engine.name, "CONT")


def planned(lab, holder):
    lab.engine.stop(holder)
    return holder.serve


def announcer_stopped(lab, holder):
    holder.signal("keepalived", "TERM")
    return holder.announce


def machine_gone(lab, holder):
    holder.end()
    return lambda: lab.again(holder)


def unplugged(interface):
    def do(lab, holder):
        holder.cable(interface, "down")
        return lambda: holder.cable(interface, "up")
    return do


def bad_reload(lab, holder):
    lab.engine.reload(holder, good=False)
    return lambda: lab.engine.reload(holder, good=True)


def good_reload(lab, holder):
    lab.engine.reload(holder, good=True)
    return lambda: None


def upgraded(lab, holder):
    lab.engine.upgrade(holder)
    return lambda: None


def backends_killed(*which):
    def do(lab, holder):
        for i in which:
            lab.backends[i].signal("redis-server", "KILL")
        return lambda: [lab.fill(i) for i in which]
    return do


# What the others teach as well.
LONG = {"keepalived killed (SIGKILL)", "keepalived stopped", "its link to the clients cut", "reload"}

# Name, what happens, how often the address moves, how long the lab looks on, and whether a client may fail.
SCENES = [
    ("engine killed (SIGKILL)", engine_killed, 1, 6, True),
    ("engine hangs (SIGSTOP)", engine_stopped, 1, 8, True),
    ("engine stopped for maintenance", planned, 1, 6, True),
    ("keepalived killed (SIGKILL)", kill_and_restart("keepalived"), 1, 6, True),
    ("keepalived stopped", announcer_stopped, 1, 4, True),
    ("machine gone", machine_gone, 1, 6, True),
    ("its link to the clients cut", unplugged("eth0"), 1, 6, True),
    ("its link to the backends cut", unplugged("eth1"), 1, 14, True),
    ("reload of a bad file", bad_reload, 0, 4, False),
    ("reload", good_reload, 0, 4, False),
    ("upgrade", upgraded, 0, 4, False),
    ("one backend killed", backends_killed(0), 0, 5, True),
    ("all backends killed", backends_killed(0, 1), 0, 8, True),
]


def watch(lab, scene):
    name, happens, expected, seconds, may_fail = scene
    holder = lab.settled or lab.settle()
    before = sum(b.takeovers() for b in lab.balancers)
    watching = Clients(lab.client, VIP, PORT)
    time.sleep(1)
    at = time.monotonic()
    repair = happens(lab, holder)
    time.sleep(max(0.0, seconds - (time.monotonic() - at)))
    watching.end()
    moves = sum(b.takeovers() for b in lab.balancers) - before
    recovered = bool(watching.served) and watching.ended - watching.served[-1] < 1
    repair()
    lab.settle()
    back = sum(b.takeovers() for b in lab.balancers) - before - moves
    faults = []
    if moves != expected:
        faults.append(f"the address moved {moves} times, expected {expected}")
    if expected and not recovered:
        faults.append("clients were not served again")
    if watching.failed and not may_fail:
        faults.append(f"{len(watching.failed)} clients failed: {', '.join(watching.failed[:3])}")
    if back:
        faults.append(f"the address moved {back} times when all was well again")
    return dict(moves=moves, out=watching.longest_gap, failed=len(watching.failed), recovered=recovered,
                faults=[f"{name}: {fault}" for fault in faults])


def watch_again(lab, scene):
    """A machine that stalls for a second moves an address, too: a fault counts if it is there twice."""
    result = watch(lab, scene)
    if not result["faults"] or lab.engine.name != "bal":
        return result
    print(f"played again: {'; '.join(result['faults'])}", file=sys.stderr, flush=True)
    return watch(lab, scene)


def watch_all(lab, scenes, runs):
    faults = []
    print("| event | address moved | without service, median | worst | clients failed |\n|---|---|---|---|---|")
    for scene in scenes:
        results = [watch_again(lab, scene) for _ in range(runs)]
        moved = "/".join(sorted({"yes" if r["moves"] else "no" for r in results}))
        outs = [r["out"] for r in results]
        until = "" if all(r["recovered"] for r in results) else " (until it is repaired)"
        print(f"| {scene[0]} | {moved} | {statistics.median(outs):.2f} s{until} | {max(outs):.2f} s | "
              f"{statistics.median(r['failed'] for r in results):.0f} |", flush=True)
        faults += [fault for r in results for fault in r["faults"]]
    # What another engine does is a figure, not a fault.
    faults = faults if lab.engine.name == "bal" else []
    for fault in faults:
        print(f"error: {fault}")
    return faults


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--engine", default="bal", choices=["bal", "haproxy"])
    arguments.add_argument("--runs", type=int, default=1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("--track", action="store_true")
    chosen = arguments.parse_args()
    engine = Bal() if chosen.engine == "bal" else HAProxy()
    engine.tracks = chosen.track
    scenes = [scene for scene in SCENES if chosen.only in scene[0] and not (chosen.short and scene[0] in LONG)]
    return play(lambda place: Lab(engine, place), lambda lab: watch_all(lab, scenes, chosen.runs))


if __name__ == "__main__":
    sys.exit(main())
