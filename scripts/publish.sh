#!/usr/bin/env bash
# Compiles bal to one native file, dist/bal, and what serves its page and metrics to another, dist/bal-web.
#   scripts/publish.sh [--if-needed]
# --if-needed keeps existing files that are newer than every source.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

MAX_BYTES=$((16 * 1024 * 1024))
BINARY="$ROOT/dist/bal"
WEB="$ROOT/dist/bal-web"

up_to_date() {
  [[ -x $BINARY && -x $WEB && ! $WEB -ot $BINARY ]] || return 1
  local newer
  newer="$(find "$ROOT/src" "$ROOT/build" "$ROOT/Directory.Build.props" "$ROOT/Directory.Packages.props" "$ROOT/global.json" \
    \( -name bin -o -name obj \) -prune -o -type f -newer "$BINARY" -print -quit)"
  [[ -z $newer ]]
}

report() {
  local file
  for file in "$BINARY" "$WEB"; do
    printf 'published: %s (%s bytes)\n' "$file" "$(stat -c %s "$file")"
  done
}

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
say "compiling natively for $rid (about three minutes)"
cd "$ROOT"

# publish PROJECT NAME TARGET: compiles one program and puts it in its place.
publish() {
  local size
  dotnet publish "src/$1" -c Release -r "$rid" -o "$out" --nologo -v quiet "${linker[@]}" >&2
  [[ -x $out/$2 ]] || die "dotnet publish made no $2"
  size="$(stat -c %s "$out/$2")"
  [[ $size -le $MAX_BYTES ]] || die "$2 has $size bytes, more than the limit of $MAX_BYTES"
  # A running binary can be replaced by a rename; writing to it fails with "text file busy".
  mv -f -- "$out/$2" "$3"
  touch -r "$out.started" -- "$3"
}

publish Bal.Cli bal "$BINARY"
publish Bal.Web bal-web "$WEB"
report
