#!/usr/bin/env bash
# Everything at once for a long time: clients of many manners that verify every byte, backends that are killed, refuse and
# fall silent, reloads good and bad, rotated logs, pushes over the connection limit, idle timeouts, status reports.
#   scripts/soak.sh [--seconds N]      1800 by default
# Prints a trend of memory and descriptors, taken while nobody is connected, and a closing summary. Exits 0 exactly when no
# byte was wrong, no error was unexpected and nothing was left behind. BAL_BINARY names the program; dist/bal by default.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -eq 0 || ($# -eq 2 && $1 == --seconds && $2 =~ ^[1-9][0-9]+$) ]] || die "usage: scripts/soak.sh [--seconds N], N from 10 on"
need_dotnet
cd "$ROOT"
program=tests/Bal.Soak/bin/Release/net10.0/Bal.Soak.dll
# Built on its own it is newer than what it is built from; the test run has built it already.
[[ -n ${BAL_SOAK_BUILT:-} && -f $program ]] || dotnet build tests/Bal.Soak -c Release --nologo -v quiet >&2
exec dotnet "$program" "$@"
