#!/usr/bin/env bash
# Installs bal: as root to /usr/local/bin, else to ~/.local/bin.
#   scripts/install.sh [--prefix DIR] [--uninstall]
# With --prefix the binaries, bal and bal-web, go to DIR/bin.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

usage="usage: scripts/install.sh [--prefix DIR] [--uninstall]"
if [[ $(id -u) -eq 0 ]]; then prefix=/usr/local; else prefix="$HOME/.local"; fi
uninstall=
while [[ $# -gt 0 ]]; do
  case "$1" in
    --prefix)
      [[ -n ${2:-} ]] || die "$usage"
      prefix="$2"
      shift 2
      ;;
    --prefix=?*)
      prefix="${1#*=}"
      shift
      ;;
    --uninstall)
      uninstall=yes
      shift
      ;;
    -h | --help)
      printf '%s\n' "$usage"
      exit 0
      ;;
    *) die "$usage" ;;
  esac
done
[[ $prefix == /* ]] || prefix="$PWD/$prefix"
bin="$prefix/bin"

if [[ -n $uninstall ]]; then
  if [[ -e $bin/bal || -L $bin/bal ]]; then
    rm -f -- "$bin/bal" "$bin/bal-web"
    printf 'removed: %s (configuration and logs remain in ~/.bal)\n' "$bin/bal"
  else
    printf 'nothing to remove: %s does not exist\n' "$bin/bal"
  fi
  exit 0
fi

"$here/publish.sh" --if-needed >&2
mkdir -p -- "$bin" || die "$bin cannot be created: run as root, or choose another directory with --prefix"
[[ -w $bin ]] || die "$bin is not writable: run as root, or choose another directory with --prefix"
temporary="$(mktemp "$bin/.bal.XXXXXX")"
trap 'rm -f -- "$temporary"' EXIT
# bal last: it starts the other one.
for program in bal-web bal; do
  install -m 0755 -- "$ROOT/dist/$program" "$temporary"
  # Atomic, and works while an older bal is running.
  mv -f -- "$temporary" "$bin/$program"
done
trap - EXIT
printf 'installed: %s\n' "$bin/bal"

case ":$PATH:" in
  *":$bin:"*)
    found="$(command -v bal || true)"
    if [[ -n $found && ! $found -ef $bin/bal ]]; then
      printf "note: 'bal' on PATH is a different file, %s\n" "$found"
    fi
    ;;
  *)
    # shellcheck disable=SC2016 # the operator's shell expands it
    printf 'note: %s is not on PATH; run: export PATH="%s:$PATH"\n' "$bin" "$bin"
    ;;
esac
