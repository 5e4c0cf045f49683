#!/usr/bin/env bash
# Shows bal at work: three backends, traffic, one backend killed and revived. Arguments go to 'bal demo'.
#   scripts/demo.sh [--seconds N]
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
# stdout is for the demo.
"$here/publish.sh" --if-needed >&2
exec "$ROOT/dist/bal" demo "$@"
