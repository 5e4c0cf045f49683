#!/usr/bin/env bash
# Everything at once for a long time: clients of many kinds that verify every byte; backends that are killed, refuse and
# go silent; good and bad reloads, rotated logs, pushes over the connection limit, idle timeouts, status reports; upgrades,
# stops and starts, kills and starts, and stops during an upgrade.
#   scripts/soak.sh [--seconds N] [--seed N]      1800 by default; the seed is printed
# Prints memory and descriptors over time, measured while no client is connected, and a summary. Exits 0 if no byte was
# wrong, no error was unexpected and nothing leaked. BAL_BINARY names the program; dist/bal by default.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need_dotnet
cd "$ROOT"
program=tests/Bal.Soak/bin/Release/net10.0/Bal.Soak.dll
# The test run has built it already.
[[ -n ${BAL_SOAK_BUILT:-} && -f $program ]] || dotnet build tests/Bal.Soak -c Release --nologo -v quiet >&2
exec dotnet "$program" "$@"
