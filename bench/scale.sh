#!/usr/bin/env bash
# Compares how the control planes of bal and HAProxy scale with the number of backends and services.
#   bench/scale.sh [--quick] [--bal PATH] [--out FILE] [--only one,probes,services,storm,flap] ...  (--help says more)
# Writes a Markdown table to docs/bench/scale.md. As root it runs in a network namespace of its own.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_packages haproxy iproute2 python3
# With a binary of the caller's choice there is nothing to compile.
[[ " $*" == *" --bal"* || " $*" == *" --help"* ]] || "$ROOT/scripts/publish.sh" --if-needed
exec python3 "$ROOT/bench/scale.py" "$@"
