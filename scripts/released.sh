#!/usr/bin/env bash
# Prints the path of a release's binary, building it from the release's commit the first time.
#   scripts/released.sh [VERSION]      the last release by default
# The binary is kept in dist/released/VERSION/bal. Building takes some minutes and needs the repository's history.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

version="${1:-0.1.0}"
[[ $# -le 1 ]] || die "usage: scripts/released.sh [VERSION]"
case "$version" in
  0.1.0) commit=cc0532a ;;
  *) die "unknown release $version: scripts/released.sh lists the commits of the releases" ;;
esac

binary="$ROOT/dist/released/$version/bal"
if [[ ! -x $binary ]]; then
  git -C "$ROOT" rev-parse --quiet --verify "$commit^{commit}" >/dev/null ||
    die "commit $commit of release $version is missing: run 'git fetch --unshallow'"
  temporary="$(mktemp -d)"
  trap 'git -C "$ROOT" worktree remove --force "$temporary/bal" >/dev/null 2>&1 || true; rm -rf -- "$temporary"' EXIT
  git -C "$ROOT" worktree add --quiet --detach "$temporary/bal" "$commit" >&2
  say "building release $version"
  "$temporary/bal/scripts/publish.sh" >&2
  mkdir -p "$(dirname -- "$binary")"
  # Copied under another name first, so that it is never found incomplete.
  cp -- "$temporary/bal/dist/bal" "$binary.new"
  mv -f -- "$binary.new" "$binary"
fi
printf '%s\n' "$binary"
