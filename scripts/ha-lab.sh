#!/usr/bin/env bash
# Several balancers behind one address, in network namespaces, with the files of packaging/keepalived and packaging/bird: kills,
# stops, cuts, reloads and upgrades them, and measures what clients notice (docs/high-availability.md).
#   scripts/ha-lab.sh [--short]                                   both layouts, once; --short leaves out what teaches the least
#   scripts/ha-lab.sh keepalived [--runs N] [--engine bal|haproxy] [--only NAME] [--track]
#   scripts/ha-lab.sh bird
# --track watches the interface of the backends as well. Prints a row for each event. Exits 0 if the address moved where it should and nowhere else, and no client failed that should
# not have. Needs root, network namespaces, and the packages keepalived, bird2 and redis-server (haproxy for --engine haproxy).
# Nothing of this machine is changed.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

[[ $(id -u) -eq 0 ]] || die "the lab needs root: it makes network namespaces"
for program in keepalived bird redis-server redis-cli nsenter unshare ip python3; do
  command -v "$program" >/dev/null || die "$program is missing: scripts/test.sh installs what the lab needs"
done
[[ -x $ROOT/dist/bal ]] || die "no dist/bal: run scripts/publish.sh"
case "${1:-}" in
  keepalived) exec python3 "$here/ha-lab/vrrp.py" "${@:2}" ;;
  bird) exec python3 "$here/ha-lab/ecmp.py" "${@:2}" ;;
  '' | --short)
    status=0
    python3 "$here/ha-lab/vrrp.py" "$@" || status=1
    python3 "$here/ha-lab/ecmp.py" "$@" || status=1
    exit $status
    ;;
  *) die "usage: scripts/ha-lab.sh [--short] | keepalived [--runs N] [--engine bal|haproxy] [--only NAME] [--track] | bird" ;;
esac
