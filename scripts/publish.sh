#!/usr/bin/env bash
# Compiles bal to one native file, dist/bal.
#   scripts/publish.sh [--if-needed]
# --if-needed keeps an existing dist/bal that is newer than every source.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

MAX_BYTES=$((14 * 1024 * 1024))
BINARY="$ROOT/dist/bal"

up_to_date() {
  [[ -x $BINARY ]] || return 1
  local newer
  newer="$(find "$ROOT/src" "$ROOT/Directory.Build.props" "$ROOT/Directory.Packages.props" "$ROOT/global.json" \
    \( -name bin -o -name obj \) -prune -o -type f -newer "$BINARY" -print -quit)"
  [[ -z $newer ]]
}

report() { printf 'published: %s (%s bytes)\n' "$BINARY" "$(stat -c %s "$BINARY")"; }

case "${1:-}" in
  '') ;;
  --if-needed)
    if up_to_date; then
      report
      exit 0
    fi
    ;;
  *) die "usage: scripts/publish.sh [--if-needed]" ;;
esac

case "$(uname -m)" in
  x86_64) rid=linux-x64 ;;
  aarch64 | arm64) rid=linux-arm64 ;;
  *) die "unsupported machine $(uname -m): bal builds on x86_64 and aarch64" ;;
esac

need_dotnet
need_native_toolchain
linker=()
command -v clang >/dev/null || linker=(-p:CppCompilerAndLinker=gcc)

mkdir -p "$ROOT/dist"
out="$(mktemp -d "$ROOT/dist/.publish.XXXXXX")"
trap 'rm -rf -- "$out" "$out.started"' EXIT
# A source that changes during the compilation is newer than the binary that lacks it.
touch -- "$out.started"
say "compiling natively for $rid (about two minutes)"
cd "$ROOT"
dotnet publish src/Bal.Cli -c Release -r "$rid" -o "$out" --nologo -v quiet "${linker[@]}" >&2
[[ -x $out/bal ]] || die "dotnet publish made no binary"
size="$(stat -c %s "$out/bal")"
[[ $size -le $MAX_BYTES ]] || die "the binary has $size bytes, more than the limit of $MAX_BYTES"
# A running binary can be replaced by a rename; writing to it fails with "text file busy".
mv -f -- "$out/bal" "$BINARY"
touch -r "$out.started" -- "$BINARY"
report
