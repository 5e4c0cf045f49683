"""Measures the relays of bench/Bal.KernelLab beside HAProxy: throughput, and what the whole machine spends for it.

    bench/kernel_lab.py --lab bench/Bal.KernelLab/bin/Release/net10.0/Bal.KernelLab [--only WORKLOAD,...]

Needs root, and the packages that bench/run.sh installs. sockmap moves work into kernel threads and into the softirqs of
whoever sends, so the CPU time of the process says nothing: counted is what all cores were busy with (/proc/stat), clients
and backends included.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench import CORE_BALANCER, WORKLOADS, Direct, HAProxy, Process, backends, free_port, steal_ticks, wait_port


class Lab:
    def __init__(self, binary, mode):
        self.binary, self.name = binary, mode

    def start(self, work, backend):
        self.port = free_port()
        self.process = Process(CORE_BALANCER, [self.binary, "relay", self.name, str(self.port), str(backend)])


def busy():
    """Seconds that the cores have spent on anything but idling: user, nice, system, irq, softirq."""
    fields = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]))
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / 100


def measure(target, workload, ports, work, seconds):
    kind, _, _, _, scale, run = WORKLOADS[workload]
    target.start(work, ports[kind])
    try:
        wait_port(target.port) if kind == "http" else time.sleep(1)
        own, all_cores = (target.process.cpu() if target.process else 0), busy()
        stolen, total = steal_ticks()
        result = run(target.port, seconds)
        stolen_after, total_after = steal_ticks()
        result["machine"] = (busy() - all_cores) / result["units"] * scale
        result["own"] = (target.process.cpu() - own) / result["units"] * scale if target.process else 0
        result["steal"] = (stolen_after - stolen) / max(1, total_after - total)
        return result
    finally:
        if target.process:
            target.process.stop()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--lab", required=True)
    args.add_argument("--modes", default="copy,sockmap,uring")
    args.add_argument("--only", default=",".join(WORKLOADS))
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--seconds", type=int, default=2)
    args = args.parse_args()
    targets = [Direct(), HAProxy(), *(Lab(args.lab, mode) for mode in args.modes.split(","))]
    work = Path(tempfile.mkdtemp(prefix="kernel-lab-"))
    ports, running = backends(work)
    try:
        for name in args.only.split(","):
            rounds = []
            for r in range(args.rounds):
                order = targets[r % len(targets):] + targets[:r % len(targets)]
                rounds.append({t.name: measure(t, name, ports, work, args.seconds) for t in order})
            _, title, rate_unit, cpu_unit, _, _ = WORKLOADS[name]
            print(f"\n**{title}**\n\n| relay | {rate_unit} | to copy | machine CPU {cpu_unit} | to copy | "
                  "process CPU | to copy | failed | steal |\n|---|---|---|---|---|---|---|---|---|")
            for target in targets:
                print(row(target.name, rounds), flush=True)
    finally:
        for process in running:
            process.stop()
        shutil.rmtree(work, ignore_errors=True)


def row(name, rounds):
    def median(key):
        return statistics.median(r[name][key] for r in rounds)

    def ratio(key):
        return statistics.median(r[name][key] / r["copy"][key] for r in rounds if r["copy"][key])

    cells = [name]
    for key in ("rate", "machine", "own"):
        cells += [f"{median(key):.4g}", f"{ratio(key):.2f}"]
    cells += [str(sum(r[name]["failed"] for r in rounds)), f"{max(r[name]['steal'] for r in rounds):.3f}"]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
