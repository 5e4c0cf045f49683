#!/usr/bin/env bash
# Installs, starts, upgrades, removes and purges the package in a copy of this system that is thrown away (an overlay, with
# network and mounts of its own), and fails where a client is refused during the upgrade. As root.
#   scripts/package-check.sh
set -euo pipefail
here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

if [[ ${1:-} != --inside ]]; then
  [[ $(id -u) -eq 0 ]] || die "package-check needs root, for mounts and a network of its own"
  "$here/package.sh" >&2
  if command -v lintian >/dev/null; then
    lintian --fail-on error --allow-root "$ROOT"/dist/bal_*.deb >&2 || die "lintian has found an error"
  fi
  exec unshare --mount --net --pid --fork --propagation private "$here/package-check.sh" --inside
fi

room="$(mktemp -d)"
mount -t tmpfs none "$room"
mkdir "$room"/{upper,work,copy}
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/copy"
mount -t proc proc "$room/copy/proc"
mount --rbind /dev "$room/copy/dev"
mkdir "$room/copy/package"
cp "$ROOT"/dist/bal_*.deb "$room/copy/package/old.deb"
dpkg-deb -R "$room/copy/package/old.deb" "$room/repacked"
sed -i 's/^Version: .*/&+next/' "$room/repacked/DEBIAN/control"
dpkg-deb --root-owner-group -Znone --build "$room/repacked" "$room/copy/package/new.deb" >/dev/null
ip link set lo up

cat >"$room/copy/package/check.sh" <<'CHECK'
set -euo pipefail
export BAL_HOME=/var/lib/bal
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }
dpkg -i /package/old.deb
[[ $(command -v bal) == /usr/bin/bal ]] || fail "bal is not on PATH"
[[ ! -e /etc/bal/config.yaml ]] || fail "the package has a configuration"
grep -q ConditionPathExists=/etc/bal/config.yaml /lib/systemd/system/bal.service || fail "the unit does not wait"
grep -q 'ExecStart=/usr/bin/bal start --config /etc/bal/%i.yaml' /lib/systemd/system/bal@.service || fail "bal@.service"
man -w 5 bal.yaml >/dev/null || fail "no man page"
mkdir -p /etc/bal
printf 'port: 9295\nbind_address: 127.0.0.1\nbackends: [127.0.0.1:9000]\n' >/etc/bal/config.yaml

python3 - <<'PYTHON' &
import socket, threading
listening = socket.create_server(("127.0.0.1", 9000))
def serve(s):
    while data := s.recv(64):
        s.sendall(data)
    s.close()
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
PYTHON
# A client that comes before the backend listens is refused with reason.
for ((i = 0; i < 400; i++)); do
  ! (exec 3<>/dev/tcp/127.0.0.1/9000) 2>/dev/null || break
  sleep 0.05
done
mkdir -p -m 0700 "$BAL_HOME"
bal start -d -c /etc/bal/config.yaml
old="$(cat "$BAL_HOME/bal.pid")"

# Clients come all the time; each has to be answered.
python3 - <<'PYTHON' &
import os, socket, sys
served = 0
while not os.path.exists("/package/enough"):
    with socket.create_connection(("127.0.0.1", 9295), timeout=20) as client:
        client.sendall(b"ping")
        if client.recv(4) != b"ping":
            sys.exit(f"a client was not served after {served}")
        served += 1
    if served == 50:
        open("/package/warm", "w").close()
print(f"{served} clients were served over the upgrade")
PYTHON
clients=$!
for ((i = 0; i < 400; i++)); do
  [[ ! -e /package/warm ]] || break
  sleep 0.05
done
[[ -e /package/warm ]] || fail "clients are not served"
dpkg -i /package/new.deb
[[ $(cat "$BAL_HOME/bal.pid") != "$old" ]] || fail "the package's upgrade did not upgrade the running instance"
touch /package/enough
wait "$clients" || fail "a client was refused"

dpkg -r bal
[[ ! -e $BAL_HOME/bal.sock ]] || fail "bal still runs after its package was removed"
[[ -e /etc/bal/config.yaml ]] || fail "removal took the configuration away"
dpkg -P bal
[[ ! -e $BAL_HOME ]] || fail "purge left the state"
printf 'package: installed, started, upgraded, removed and purged\n'
CHECK
timeout 120 chroot "$room/copy" bash /package/check.sh
