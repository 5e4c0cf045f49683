"""The lab's machines: processes in namespaces of their own (network, mounts, process ids), cables, and clients."""
import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
# From the start of one attempt to the next, and how soon an answer has to come to count as service.
EVERY, PROMPT, PATIENCE = 0.02, 0.5, 5.0
SETTLED_WITHIN = 40.0
# Nothing of the caller's: keepalived under systemd has no HOME either.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

# What a machine's first process does: it takes the children of others that have ended, and waits to be killed.
INIT = """
mount --make-rprivate /
for place in /run /var/lib /etc/keepalived /etc/bird /usr/local/bin; do
  [ ! -d $place ] || mount -t tmpfs -o mode=0755 tmpfs $place
done
mkdir -p /var/lib/bal /run/bird
ip link set lo up
exec python3 -c '
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()'
"""


class Failure(Exception):
    """What the lab cannot go on after."""


class Machine:
    def __init__(self, lab, name):
        self.lab, self.name, self.started, self.ports = lab, name, [], []
        self.unshare = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc", "bash", "-ec",
             INIT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if self.unshare.stdout.readline() != "ready\n":
            raise Failure("namespaces are not permitted here: " + self.unshare.stderr.read().strip())
        with open(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children", encoding="ascii") as children:
            self.init = int(children.read().split()[0])
        lab.machines.append(self)

    def enter(self, *command):
        return ["nsenter", "-t", str(self.init), "--net", "--mount", "--pid", "--uts", *command]

    def run(self, *command, check=True):
        done = subprocess.run(self.enter(*command), capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
        if check and done.returncode != 0:
            raise Failure(f"{self.name}: {' '.join(command)}: {done.stdout}{done.stderr}")
        return done

    def start(self, *command):
        with open(os.path.join(self.lab.place, f"{self.name}-{os.path.basename(command[0])}.log"), "ab") as log:
            self.started.append(subprocess.Popen(
                self.enter(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT))

    def start_confined(self, unit, *command):
        """With the capabilities that a unit's file leaves it, and no new privileges."""
        with open(f"{ROOT}/packaging/{unit}", encoding="utf-8") as file:
            allowed = next(line for line in file if line.startswith("CapabilityBoundingSet=")).split("=")[1].split()
        names = ",".join(["-all", *("+" + name.removeprefix("CAP_").lower() for name in allowed)])
        self.start("setpriv", "--bounding-set", names, "--inh-caps", names, "--no-new-privs", *command)

    def write(self, path, text):
        """Replaces a file, as a writer should."""
        subprocess.run(self.enter("sh", "-c", 'cat > "$1.new" && mv "$1.new" "$1"', "sh", path),
                       input=text, text=True, check=True)

    def plug(self, interface, bridge, address):
        """A cable to a bridge of the switch; its end there is called after the machine and the interface."""
        port = f"{self.name}-{interface}"
        self.ports.append(port)
        # The machine is named by its process id, which only this side's process ids make sense of.
        subprocess.run(["nsenter", "-t", str(self.lab.switch.init), "--net", "ip", "link", "add", "name", port, "type",
                        "veth", "peer", "name", interface, "netns", str(self.init)], check=True)
        self.lab.switch.run("ip", "link", "set", port, "master", bridge, "up")
        self.run("ip", "address", "add", f"{address}/24", "dev", interface)
        self.run("ip", "link", "set", interface, "up")

    def cable(self, interface, state):
        self.lab.switch.run("ip", "link", "set", f"{self.name}-{interface}", state)

    def pids(self, name):
        return [int(pid) for pid in self.run("pidof", name, check=False).stdout.split()]

    def signal(self, name, number):
        # All of them at once: a parent that is left would start the others anew.
        self.run("kill", f"-{number}", *map(str, self.pids(name)), check=False)

    def end(self):
        """As when the power fails."""
        self.lab.machines.remove(self)
        # A connection that the kernel still tries to end keeps the namespace, and the other end of the cable with it.
        for port in self.ports:
            self.lab.switch.run("ip", "link", "delete", port)
        os.kill(self.init, signal.SIGKILL)
        self.unshare.wait()
        self.unshare.stdout.close()
        self.unshare.stderr.close()
        for process in self.started:
            process.wait()


class Network:
    """A switch with bridges, and a directory for the logs."""

    # The one that is there, ready or not.
    current = None

    def __init__(self, place, *bridges):
        self.place, self.machines = place, []
        Network.current = self
        self.switch = Machine(self, "switch")
        for bridge in bridges:
            self.switch.run("ip", "link", "add", "name", bridge, "type", "bridge")
            self.switch.run("ip", "link", "set", bridge, "up")

    def redis(self, machine, address, port):
        machine.start("redis-server", "--port", str(port), "--bind", address, "--save", "", "--protected-mode", "no")
        wait("redis answers", lambda: machine.run(
            "redis-cli", "-h", address, "-p", str(port), "ping", check=False).stdout == "PONG\n")

    def end(self):
        for machine in reversed(list(self.machines)):
            machine.end()

    def show_logs(self):
        for log in sorted(os.listdir(self.place)):
            with open(os.path.join(self.place, log), encoding="utf-8", errors="replace") as file:
                print(f"--- {log}\n{''.join(file.readlines()[-20:])}", file=sys.stderr)


def wait(what, condition, seconds=SETTLED_WITHIN):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


def play(make, what):
    """Runs something in a lab of its own; 1 if it found a fault, else 0."""
    # What a limit on time sends: the machines have to go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="ha-lab-") as place:
        failed = True
        try:
            failed = bool(what(make(place)))
        except Failure as failure:
            print(f"error: {failure}")
        finally:
            if failed:
                Network.current.show_logs()
            Network.current.end()
        return int(failed)


class Clients:
    """A client every 20 ms: a new connection, PING, PONG, and an RST, so that none keeps a port."""

    def __init__(self, machine, address, port):
        self.process = subprocess.Popen(
            ["nsenter", "-t", str(machine.init), "--net", "python3", os.path.realpath(__file__), address, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.began = time.monotonic()

    def end(self):
        """When those began that were served at once; who failed, and how."""
        self.ended = time.monotonic()
        lines = [line.split() for line in self.process.communicate()[0].splitlines()]
        self.served = sorted(float(at) for at, what in lines if what == "ok")
        self.failed = [f"{what} at {at}" for at, what in lines if what not in ("ok", "slow")]

    @property
    def longest_gap(self):
        """The longest time without a client that was served, in seconds."""
        times = [self.began, *self.served, self.ended]
        return max(0.0, max(b - a for a, b in zip(times, times[1:])) - EVERY)


class Held:
    """Connections that stay open: how many of them still answer."""

    def __init__(self, machine, address, port, count):
        self.process = subprocess.Popen(
            ["nsenter", "-t", str(machine.init), "--net", "python3", os.path.realpath(__file__), address, str(port),
             str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.count = self.alive()

    def alive(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        self.process.communicate()


def hold(address, port, count):
    held = [socket.create_connection((address, port), PATIENCE) for _ in range(count)]
    for _ in sys.stdin:
        for one in list(held):
            try:
                one.sendall(b"PING\r\n")
                alive = one.recv(100) == b"+PONG\r\n"
            except OSError:
                alive = False
            if not alive:
                held.remove(one)
        print(len(held), flush=True)


async def one_client(address, port, lines):
    at, what = time.monotonic(), ""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.write(b"PING\r\n")
                what = "ok" if await reader.readline() == b"+PONG\r\n" else "closed"
            finally:
                writer.close()
        if what == "ok" and time.monotonic() - at > PROMPT:
            what = "slow"
    except (OSError, TimeoutError) as error:
        what = type(error).__name__
    lines.append(f"{at:.3f} {what}")


async def clients(address, port):
    lines, running = [], set()
    while not any(line.endswith(" ok") for line in lines):
        await one_client(address, port, lines)
    lines.clear()
    print("somebody is served", flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        task = asyncio.create_task(one_client(address, port, lines))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(EVERY)
    await asyncio.gather(*running)
    print("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        hold(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        asyncio.run(clients(sys.argv[1], int(sys.argv[2])))
