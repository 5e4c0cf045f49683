#!/usr/bin/env bash
# Measures what each method of bal costs a new connection, beside round_robin and beside HAProxy and nginx with theirs.
#   bench/methods.sh [--rounds N] [--seconds N] [--backends 16,1000] [--loops 1,2,8] [--bal PATH] [--out FILE]
# Writes a Markdown table to docs/bench/methods.md.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_packages haproxy nginx-light libnginx-mod-stream wrk python3 util-linux
# With a binary of the caller's choice there is nothing to compile.
[[ " $*" == *" --bal"* || " $*" == *" --help"* ]] || "$ROOT/scripts/publish.sh" --if-needed
exec python3 "$ROOT/bench/methods.py" "$@"
