#!/usr/bin/env bash
# Measures bal against no balancer, HAProxy and nginx stream, in one interleaved run.
#   bench/run.sh [--rounds N] [--seconds N] [--congestion NAME] [--out DIR] [--only WORKLOAD,...]
# Writes results.json, results.md and chart.svg into DIR (docs/bench by default).
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_packages haproxy nginx-light libnginx-mod-stream wrk iperf3 iproute2 python3 util-linux procps
"$ROOT/scripts/publish.sh" --if-needed
exec python3 "$ROOT/bench/bench.py" --bal "$ROOT/dist/bal" --out "$ROOT/docs/bench" "$@"
