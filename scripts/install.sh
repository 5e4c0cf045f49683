#!/usr/bin/env bash
# Installs bal: as root to /usr/local/bin, else to ~/.local/bin.
#   scripts/install.sh [--prefix DIR] [--uninstall]
# With --prefix the binaries, bal and bal-web, go to DIR/bin, and what belongs to them (man pages, completions, units,
# sample, logrotate file) to DIR/lib and DIR/share.
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

# A file of the source tree, and its place below the prefix.
files() {
  cat <<'FILES'
packaging/bal.1 share/man/man1/bal.1
packaging/bal.yaml.5 share/man/man5/bal.yaml.5
packaging/completions/bal.bash share/bash-completion/completions/bal
packaging/completions/_bal share/zsh/site-functions/_bal
packaging/completions/bal.fish share/fish/vendor_completions.d/bal.fish
packaging/systemd/bal.service lib/systemd/system/bal.service
packaging/systemd/bal@.service lib/systemd/system/bal@.service
packaging/systemd/bal.socket lib/systemd/system/bal.socket
packaging/logrotate/bal share/doc/bal/logrotate
sample/config.yaml share/doc/bal/config.yaml
sample/config.advanced.yaml share/doc/bal/config.advanced.yaml
packaging/prometheus/bal.rules.yml share/doc/bal/bal.rules.yml
packaging/grafana/bal.json share/doc/bal/grafana.json
FILES
}

if [[ -n $uninstall ]]; then
  if [[ -e $bin/bal || -L $bin/bal ]]; then
    rm -f -- "$bin/bal" "$bin/bal-web"
    while read -r _ place; do rm -f -- "$prefix/$place"; done < <(files)
    rmdir -- "$prefix/share/doc/bal" 2>/dev/null || true
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
while read -r source place; do
  install -D -m 0644 -- "$ROOT/$source" "$prefix/$place"
done < <(files)
# The units start what has been installed here.
sed -i "s|/usr/local/bin/|$bin/|g" "$prefix"/lib/systemd/system/bal.service "$prefix"/lib/systemd/system/bal@.service
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
