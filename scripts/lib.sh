# shellcheck shell=bash
# Shared by the other scripts: finds the repository, the SDK and the packages they need.

# shellcheck disable=SC2034 # for the scripts that source this
ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

# Finds the .NET SDK 10, even if its installer did not add it to PATH.
need_dotnet() {
  local dir
  if ! command -v dotnet >/dev/null; then
    for dir in "${DOTNET_ROOT:-}" "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet; do
      if [[ -n $dir && -x $dir/dotnet ]]; then
        export DOTNET_ROOT="$dir" PATH="$dir:$PATH"
        break
      fi
    done
  fi
  # Not piped into grep -q, which would end the listing early; pipefail reports that as a failure.
  if [[ "$(dotnet --list-sdks 2>/dev/null || true)" != *10.0.* ]]; then
    die "bal needs the .NET SDK 10: get it at https://dotnet.microsoft.com/download"
  fi
}

# Runs a command as root.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "needs root: $* (sudo not found; run this command as root, then run this script again)"
  fi
}

package_installed() {
  [[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" == installed ]]
}

# need_packages PACKAGE...: installs the missing ones, without starting their services.
need_packages() {
  local package missing=() policy=/usr/sbin/policy-rc.d status=0
  command -v apt-get >/dev/null || {
    say "apt-get not found; make sure these are installed: $*"
    return 0
  }
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "installing: ${missing[*]}"
  if [[ -z ${BAL_APT_UPDATED:-} ]]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    export BAL_APT_UPDATED=1
  fi
  # 101 tells invoke-rc.d not to start services. An administrator's own policy is not changed.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 0755 "$policy"
  else
    policy=
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 || status=$?
  [[ -z $policy ]] || as_root rm -f "$policy"
  [[ $status -eq 0 ]] || die "apt-get could not install: ${missing[*]}"
}

# What linking a native binary needs (a C compiler as linker driver, and zlib).
need_native_toolchain() {
  if command -v clang >/dev/null || command -v gcc >/dev/null; then
    need_packages binutils libc6-dev zlib1g-dev
  else
    need_packages binutils clang libc6-dev zlib1g-dev
  fi
}
