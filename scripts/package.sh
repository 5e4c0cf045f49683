#!/usr/bin/env bash
# Makes packages of dist/bal and dist/bal-web: dist/bal_VERSION_ARCH.deb, dist/bal-VERSION-linux-ARCH.tar.gz and dist/SHA256SUMS.
#   scripts/package.sh
# The .deb has no configuration: the units start once there is one. It upgrades running instances by 'bal upgrade' and never
# restarts them. The tarball is what scripts/install.sh installs, for any prefix: tar -C /usr/local -xf FILE.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

[[ $# -eq 0 ]] || die "usage: scripts/package.sh"
command -v dpkg-deb >/dev/null || die "dpkg-deb not found: packages are made on Debian or one of its descendants"
"$here/publish.sh" --if-needed >&2
version="$("$ROOT/dist/bal" --version | cut -d ' ' -f 2)"
arch="$(dpkg --print-architecture)"
work="$(mktemp -d)"
trap 'rm -rf -- "$work"' EXIT
# The same tree gives the same files.
SOURCE_DATE_EPOCH="$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || date +%s)"
export SOURCE_DATE_EPOCH

tarball="$ROOT/dist/bal-$version-linux-$arch.tar.gz"
"$here/install.sh" --prefix "$work/tar" >&2
# Units name the place where most people unpack it.
sed -i "s|$work/tar/bin/|/usr/local/bin/|g" "$work"/tar/lib/systemd/system/bal*.service
tar -C "$work/tar" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -czf "$tarball" .

deb="$work/deb"
"$here/install.sh" --prefix "$deb/usr" >&2
for unit in "$deb"/usr/lib/systemd/system/bal*.service; do
  name=config
  [[ $unit != *@* ]] || name=%i
  # Without its file a unit is skipped, and nothing has failed.
  sed -i -e '/^# .*Install:$/,/^# Then:/{/^# Then:/!d}' -e "s|$deb/usr/bin/|/usr/bin/|g" \
    -e "s|^\\[Unit\\]|&\\nConditionPathExists=/etc/bal/$name.yaml|" "$unit"
done
mkdir -p "$deb/lib" "$deb/DEBIAN" "$deb/etc/logrotate.d"
mv "$deb/usr/lib/systemd" "$deb/lib/systemd"
rmdir "$deb/usr/lib"
mv "$deb/usr/share/doc/bal/logrotate" "$deb/etc/logrotate.d/bal"
mv "$deb/usr/share/zsh/site-functions" "$deb/usr/share/zsh/vendor-completions"
mkdir "$deb/usr/share/doc/bal/examples"
mv "$deb"/usr/share/doc/bal/*.yaml "$deb"/usr/share/doc/bal/*.yml "$deb"/usr/share/doc/bal/*.json "$deb/usr/share/doc/bal/examples/"
gzip -9n "$deb"/usr/share/man/man*/*
gzip -9nc "$ROOT/CHANGELOG.md" >"$deb/usr/share/doc/bal/CHANGELOG.md.gz"
gzip -9n >"$deb/usr/share/doc/bal/changelog.gz" <<CHANGES
bal ($version) unstable; urgency=medium

  * See CHANGELOG.md.gz.

 -- bal maintainers <maintainers@users.noreply.github.com>  $(date -uRd "@$SOURCE_DATE_EPOCH")
CHANGES
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n'
  sed -n 's/^Copyright (c) /Copyright: /p' "$ROOT/LICENSE"
  printf 'License: MIT\n'
  sed -e '1,/^Copyright/d' -e 's/^$/./' -e 's/^/ /' "$ROOT/LICENSE" | tail -n +2
} >"$deb/usr/share/doc/bal/copyright"
strip --strip-unneeded "$deb/usr/bin/bal" "$deb/usr/bin/bal-web" 2>/dev/null || true
printf '/etc/logrotate.d/bal\n' >"$deb/DEBIAN/conffiles"
cat >"$deb/DEBIAN/control" <<CONTROL
Package: bal
Version: $version
Architecture: $arch
Maintainer: bal maintainers <maintainers@users.noreply.github.com>
Installed-Size: $(du -sk "$deb" | cut -f 1)
Depends: libc6 (>= 2.36)
Suggests: prometheus, keepalived
Section: net
Priority: optional
Description: small L4 TCP load balancer with reload, upgrade and explanations
 bal relays TCP connections to backends that it checks. It reloads its one YAML
 file and upgrades itself without losing a connection, and says what happened,
 why it is likely and what to do now.
 .
 Write /etc/bal/config.yaml ('bal init'), then run 'systemctl start bal'.
CONTROL
install -m 0755 "$ROOT"/packaging/debian/{postinst,prerm,postrm} "$deb/DEBIAN/"
(cd "$deb" && find etc lib usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$deb" -type d -exec chmod 0755 {} +
dpkg-deb --root-owner-group -Zgzip --build "$deb" "$ROOT/dist/bal_${version}_$arch.deb" >&2
(cd "$ROOT/dist" && sha256sum "bal_${version}_$arch.deb" "$(basename "$tarball")" >SHA256SUMS)
printf 'packaged: %s\n' "$ROOT/dist/bal_${version}_$arch.deb" "$tarball"
