#!/usr/bin/env bash
# Upgrades one binary of bal to another under load, and checks that no client fails and no state is lost.
#   scripts/upgrade-check.sh [OLD_BINARY [NEW_BINARY]]
# OLD_BINARY is the last release by default (scripts/released.sh), NEW_BINARY is dist/bal. Everything happens in a temporary
# BAL_HOME and on the loopback interface. The last line is "N passed, N failed"; the exit code is 0 exactly when nothing failed.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

[[ $# -le 2 && ${1:-} != -* ]] || die "usage: scripts/upgrade-check.sh [OLD_BINARY [NEW_BINARY]]"
old="${1:-}"
new="${2:-$ROOT/dist/bal}"
[[ -n $old ]] || old="$("$here/released.sh")"
for binary in "$old" "$new"; do
  [[ -x $binary ]] || die "$binary is not an executable file: build it with scripts/publish.sh"
done
# Every wait has its own limit; this one is for defects of the script. TERM lets it end its processes.
exec timeout --kill-after=10 300 python3 "$here/upgrade-check.py" "$old" "$new"
