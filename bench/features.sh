#!/usr/bin/env bash
# Measures what each feature costs a new connection, beside the same bal without it and beside HAProxy with its own.
#   bench/features.sh [--rounds N] [--connections N] [--known N] [--only FEATURE,...] [--bal PATH] [--out FILE]
# Writes a Markdown table to docs/bench/features.md.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

need_packages haproxy nginx-light wrk python3 util-linux
# With a binary of the caller's choice there is nothing to compile.
[[ " $*" == *" --bal"* || " $*" == *" --help"* ]] || "$ROOT/scripts/publish.sh" --if-needed
exec python3 "$ROOT/bench/features.py" "$@"
