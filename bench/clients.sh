#!/usr/bin/env bash
# Measures what limits per client cost a new connection while many clients are known.
#   bench/clients.sh [--rounds N] [--connections N] [--known N] [--bal PATH] [--out FILE]
# Writes a Markdown table to docs/bench/clients.md.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_packages python3 util-linux
# With a binary of the caller's choice there is nothing to compile.
[[ " $*" == *" --bal"* || " $*" == *" --help"* ]] || "$ROOT/scripts/publish.sh" --if-needed
exec python3 "$ROOT/bench/clients.py" "$@"
