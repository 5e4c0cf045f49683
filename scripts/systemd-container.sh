#!/usr/bin/env bash
# Boots a real systemd in a container on this machine and tests packaging/systemd/bal.service and bal.socket in it: start,
# reload, kill -9, watchdog, upgrade, a port below 1024, stop, socket activation, and
# keepalived with packaging/keepalived. Prints 'ok:' for each step that passes, and exits 0 if all do.
#   scripts/systemd-container.sh [BINARY]        (default: dist/bal)
# Needs root and the packages systemd, systemd-container and keepalived. The machine is not changed: the container's root is an
# overlay in memory, with its own process ids, mounts and network. Not part of scripts/test.sh, since not every machine that
# runs tests can boot a container.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

if [[ ${1:-} != --inside ]]; then
  [[ $(id -u) -eq 0 ]] || die "a container with a systemd of its own needs root"
  command -v systemd-nspawn >/dev/null || die "systemd-nspawn is missing: apt-get install systemd-container"
  binary="$(realpath -- "${1:-$ROOT/dist/bal}")"
  [[ -x $binary ]] || die "no $binary: run scripts/publish.sh"
  place="$(mktemp -d)"
  status=0
  unshare --mount -- "$here/systemd-container.sh" --inside "$binary" "$place" || status=$?
  cat -- "$place/said"
  passed="$(grep -c '^ok: ' "$place/said" || true)"
  rm -rf -- "$place"
  [[ $status -eq 0 ]] || die "the units failed in the container after $passed steps"
  printf 'passed: %s steps under %s\n' "$passed" "$(systemctl --version | head -n 1)"
  exit 0
fi

binary="$2" place="$3" tree="$3/tree"
mount --make-rprivate /
mkdir "$place/memory" "$tree"
mount -t tmpfs tmpfs "$place/memory"
mkdir "$place/memory/upper" "$place/memory/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/memory/upper,workdir=$place/memory/work" "$tree"
mount -t tmpfs tmpfs /run

install -m 0755 -- "$binary" "$tree/usr/local/bin/bal"
install -D -m 0644 -t "$tree/etc/systemd/system" -- "$ROOT"/packaging/systemd/bal.{service,socket}
install -D -m 0644 -- "$ROOT/packaging/keepalived/hardening.conf" "$tree/etc/systemd/system/keepalived.service.d/bal.conf"
install -D -m 0644 -t "$tree/etc/keepalived" -- "$ROOT/packaging/keepalived/keepalived.conf"
mkdir -p "$tree/etc/bal"
cat >"$tree/etc/bal/config.yaml" <<'YAML'
port: 9295
bind_address: 127.0.0.1
backends:
  - host: 127.0.0.1
    port: 9000
YAML

cat >"$tree/usr/local/bin/try-bal" <<'INSIDE'
#!/usr/bin/env bash
# Runs in the container.
set -uo pipefail
fail() {
  echo "FAILED: $*" >&2
  systemctl status bal --no-pager --lines=20 >&2
  exit 1
}
property() { systemctl show bal -p "$1" --value; }
process() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(property MainPID)/status"; }
exchange() {
  local answer=''
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  echo hello >&3
  read -r -t 10 answer <&3 2>/dev/null
  exec 3>&-
  [[ $answer == hello ]]
}
until_true() {
  local i
  for i in $(seq 200); do
    "$@" && return 0
    sleep 0.1
  done
  return 1
}
dropin() {
  mkdir -p /etc/systemd/system/bal.service.d
  { echo "[Service]" && cat; } >"/etc/systemd/system/bal.service.d/$1.conf"
  systemctl daemon-reload
}

systemd-socket-activate --accept --inetd --listen=127.0.0.1:9000 cat 2>/dev/null &

systemctl start bal || fail "it does not start"
exchange 9295 || fail "it does not serve although systemd says that it is ready"
until_true grep -q '1/1 backends reachable' <(property StatusText) || true
[[ $(property StatusText) == serving:* ]] || fail "no status text: $(property StatusText)"
[[ $(process Seccomp) == 2 && $(process NoNewPrivs) == 1 && $(process CapEff) =~ ^0+$ ]] || fail "it is not confined"
[[ $(process Uid) != 0* ]] || fail "it runs as root"
echo "ok: starts confined (uid $(process Uid | cut -f1), no capability, system call filter) and serves: $(property StatusText)"

BAL_HOME=/var/lib/bal bal status --exit-code | grep -q 'daemon: running' || fail "root cannot ask for its status"
echo "ok: root can ask for its status"

systemctl reload bal || fail "a reload fails"
sed -i 's/port: 9295/port: 9296/' /etc/bal/config.yaml
systemctl reload bal || fail "a reload to another port fails"
exchange 9296 || fail "the new port does not serve"
# To an address that overlaps: bal has to tell its own listeners from those of others in /proc/net/tcp.
sed -i 's/127.0.0.1$/0.0.0.0/; 0,/host: 0.0.0.0/s//host: 127.0.0.1/' /etc/bal/config.yaml
systemctl reload bal || fail "a reload to an overlapping address fails"
exchange 9296 || fail "the overlapping address does not serve"
echo "port: none" >/etc/bal/bad.yaml
cp /etc/bal/config.yaml /etc/bal/good.yaml
cp /etc/bal/bad.yaml /etc/bal/config.yaml
systemctl reload bal 2>/dev/null && fail "a reload of a bad file is said to have worked"
[[ $(property ActiveState) == active ]] || fail "a bad file has ended it"
exchange 9296 || fail "a bad file has stopped it from serving"
cp /etc/bal/good.yaml /etc/bal/config.yaml
systemctl reload bal || fail "a reload after a bad file fails"
echo "ok: reloads, refuses a bad file and says so to systemctl"

before="$(property MainPID)"
kill -KILL "$before"
until_true exchange 9296 || fail "it is not started again after a kill -9"
[[ $(property NRestarts) == 1 ]] || fail "systemd has not restarted it"
echo "ok: is started again after a kill -9"

dropin watchdog <<<"WatchdogSec=1"
systemctl restart bal || fail "it does not start with a watchdog of 1 s"
sleep 3
[[ $(property NRestarts) == 0 ]] || fail "the watchdog has ended a healthy bal"
kill -STOP "$(property MainPID)"
restarted() { [[ $(property NRestarts) == 1 && $(property ActiveState) == active ]]; }
until_true restarted || fail "the watchdog does not act on a bal that hangs"
echo "ok: the watchdog leaves a healthy bal alone and replaces one that hangs"

# The binary is replaced as an installation replaces it. One connection stays in the old process.
exec 5<>/dev/tcp/127.0.0.1/9296
still() {
  local answer=''
  echo "$1" >&5
  read -r -t 10 answer <&5
  [[ $answer == "$1" ]]
}
still before || fail "it does not serve before the upgrade"
old="$(property MainPID)" restarts="$(property NRestarts)"
install -m 0755 /usr/local/bin/bal /usr/local/bin/bal.new
mv /usr/local/bin/bal.new /usr/local/bin/bal
BAL_HOME=/var/lib/bal bal upgrade || fail "the upgrade fails"
followed() { [[ $(property MainPID) != "$old" && $(property MainPID) -gt 1 ]]; }
until_true followed || fail "systemd does not follow the new process: MainPID is still $old"
new="$(property MainPID)"
[[ $(cat /var/lib/bal/bal.pid) == "$new" ]] || fail "systemd follows $new, and bal.pid says $(cat /var/lib/bal/bal.pid)"
[[ $(process Seccomp) == 2 && $(process NoNewPrivs) == 1 && $(process CapEff) =~ ^0+$ ]] || fail "the new one is not confined"
exchange 9296 || fail "the new process does not serve"
still during || fail "the upgrade has cut an open connection"
[[ $(property ActiveState)/$(property SubState) == active/running ]] || fail "the unit is no longer active"
serving() { [[ $(property StatusText) == serving:* ]]; }
until_true serving || fail "the new process tells systemd nothing: $(property StatusText)"
systemctl reload bal || fail "a reload after the upgrade fails"
BAL_HOME=/var/lib/bal bal status --exit-code | grep -q "draining: old process pid=$old" || fail "the old process is not listed"
# Longer than the watchdog waits: the signs of life are the new process's.
sleep 3
[[ $(property MainPID) == "$new" && $(property NRestarts) == "$restarts" ]] || fail "the watchdog has ended the new process"
exec 5>&-
gone() { ! kill -0 "$old" 2>/dev/null; }
until_true gone || fail "the old process does not end with its last connection"
[[ $(property ActiveState) == active && $(property MainPID) == "$new" && $(property NRestarts) == "$restarts" ]] ||
  fail "the end of the old process has changed the unit"
exchange 9296 || fail "the end of the old process has stopped it from serving"
kill -STOP "$new"
replaced() { [[ $(property NRestarts) == $((restarts + 1)) && $(property ActiveState) == active ]]; }
until_true replaced || fail "the watchdog does not act on a new process that hangs"
echo "ok: is upgraded: systemd follows the new process, which is confined, reloads and is watched; the old one ends alone"

exec 5<>/dev/tcp/127.0.0.1/9296
still again || fail "it does not serve before the second upgrade"
old="$(property MainPID)"
kill -USR2 "$old"
until_true followed || fail "systemd does not follow the new process after USR2"
systemctl stop bal --no-block
until_true [ "$(property ActiveState)" = deactivating ] || true
still stopping || fail "a stop cuts a connection of the old process at once"
exec 5>&-
inactive() { [[ $(property ActiveState) == inactive ]]; }
until_true inactive || fail "it does not end after an upgrade: $(property ActiveState)"
until_true gone || fail "the old process outlives the stop"
[[ $(property Result) == success ]] || fail "its end after an upgrade was no success: $(property Result)"
echo "ok: is upgraded by USR2 and stopped while the old process drains: both end, with success"

dropin port <<<$'AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\nPrivateUsers=no'
sed -i 's/^port: 9296/port: 80/' /etc/bal/config.yaml
systemctl restart bal || fail "it does not start on port 80 with the three lines"
exchange 80 || fail "port 80 does not serve"
echo "ok: serves port 80 with the three lines of the unit"

exec 4<>/dev/tcp/127.0.0.1/80
systemctl stop bal --no-block
until_true [ "$(property ActiveState)" = deactivating ] || fail "it does not drain"
[[ $(property StatusText) == stopping* ]] || sleep 1
echo still here >&4
read -r -t 10 answer <&4
[[ $answer == "still here" ]] || fail "an open connection does not survive the beginning of a stop"
exec 4>&-
until_true inactive || fail "it does not end"
[[ $(property Result) == success ]] || fail "its end was no success: $(property Result)"
[[ ! -e /var/lib/bal/bal.pid && ! -e /var/lib/bal/bal.sock ]] || fail "it leaves files behind"
echo "ok: drains, ends with success, leaves nothing behind"

rm -r /etc/systemd/system/bal.service.d
mkdir -p /etc/systemd/system/bal.socket.d
printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:81\n' >/etc/systemd/system/bal.socket.d/port.conf
sed -i 's/^port: 80/port: 81/; s/^bind_address: .*/bind_address: 127.0.0.1/' /etc/bal/config.yaml
systemctl daemon-reload
systemctl start bal.socket || fail "the socket does not start"
[[ $(property ActiveState) == inactive ]] || fail "the socket starts the service before anybody has come"
exchange 81 || fail "the first client is not served by the socket"
[[ $(process CapEff) =~ ^0+$ ]] || fail "it has capabilities although systemd opens the port"
touch /restarting
(while [[ -e /restarting ]]; do exchange 81 || touch /refused; done) &
for _ in 1 2 3; do
  systemctl restart bal || fail "a restart with a socket fails"
done
BAL_HOME=/var/lib/bal bal upgrade >/dev/null || fail "an upgrade with a socket fails"
exchange 81 || fail "the socket does not serve after an upgrade"
systemctl restart bal || fail "a restart after an upgrade fails"
rm /restarting
wait $!
[[ ! -e /refused ]] || fail "a client was refused while the service was restarted"
systemctl stop bal.socket bal.service || fail "the socket and the service cannot be stopped"
! exchange 81 || fail "the port is served after both were stopped"
echo "ok: serves port 81 by a socket of systemd without any capability, and refuses nobody during restarts and an upgrade"

# Another cable than lo, which VRRP does not run on.
ip link add name eth0 type veth peer name eth1
ip address add 10.0.0.11/24 dev eth0
ip link set eth0 up
ip link set eth1 up
sed -i 's/^port: 81/port: 9295/; s/^bind_address: .*/bind_address: 10.0.0.10\nfreebind: true/' /etc/bal/config.yaml
systemctl reset-failed bal || true
systemctl start bal keepalived || fail "keepalived does not start with packaging/keepalived/hardening.conf"
has_address() { [[ "$(ip -4 address show dev eth0)" == *"inet 10.0.0.10/24"* ]]; }
has_no_address() { ! has_address; }
until_true has_address || fail "keepalived does not take the address of a bal that is ready: $(journalctl -u keepalived -n 20)"
systemctl stop bal
until_true has_no_address || fail "keepalived does not give up the address of a bal that has stopped"
systemctl start bal
until_true has_address || fail "keepalived does not take the address back"
kill -KILL "$(systemctl show keepalived -p MainPID --value)"
started_again() {
  [[ $(systemctl show keepalived -p ActiveState --value)$(systemctl show keepalived -p NRestarts --value) == active1 ]]
}
until_true started_again || fail "keepalived is not started again, once: $(systemctl status keepalived --no-pager)"
until_true has_address || fail "keepalived does not take the address back after a kill -9"
echo "ok: a hardened keepalived takes the address while bal is ready, and only then"
touch /passed
INSIDE
chmod 0755 "$tree/usr/local/bin/try-bal"
cat >"$tree/etc/systemd/system/try-bal.service" <<'UNIT'
[Unit]
After=basic.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/usr/local/bin/try-bal
StandardOutput=file:/said
StandardError=file:/said
TimeoutStartSec=240
UNIT
cat >"$tree/etc/systemd/system/try-bal.target" <<'UNIT'
[Unit]
Requires=basic.target try-bal.service
UNIT
for unit in systemd-udevd systemd-udev-trigger systemd-resolved systemd-timesyncd systemd-networkd; do
  ln -sf /dev/null "$tree/etc/systemd/system/$unit.service"
done

timeout --kill-after=10 270 systemd-nspawn --directory="$tree" --register=no --keep-unit --private-network \
  --link-journal=no --machine="bal-try-$$" --console=read-only --boot systemd.unit=try-bal.target \
  >"$place/console" 2>&1 </dev/null || true
cat "$tree/said" "$place/console" 2>/dev/null | sed -n '/^ok: \|^FAILED/,$p' | head -n 60 >"$place/said" || true
cp "$tree/said" "$place/said" 2>/dev/null || tail -n 30 "$place/console" >"$place/said"
[[ -e $tree/passed ]]
