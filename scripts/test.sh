#!/usr/bin/env bash
# Runs every check: format, build, scripts, native binary, and every test project.
#   scripts/test.sh [--no-install]
# The last line is "N passed, N failed", and the exit code is 0 if nothing failed. A step that fails, a runner that crashes
# and a suite without tests count as one failure each. BAL_TEST_LIMIT limits the time of one suite (seconds).
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

passed=0
failed=0
limit="${BAL_TEST_LIMIT:-900}"
results="$(mktemp -d)"
trap 'rm -rf -- "$results"' EXIT

install=yes
case "${1:-}" in
  '') ;;
  --no-install) install= ;;
  *) die "usage: scripts/test.sh [--no-install]" ;;
esac

need_dotnet
if [[ -n $install ]]; then
  need_native_toolchain
  need_packages perl-base redis-server redis-tools postgresql nginx-light libnginx-mod-stream curl iperf3 wrk \
    haproxy mariadb-server mosquitto openssh-server iproute2 procps util-linux openssl python3 shellcheck systemd \
    faketime prometheus keepalived bird2 tmux zsh fish exim4-daemon-light lintian \
    man-db chromium
fi
cd "$ROOT"

# line NAME OUTCOME SECONDS
line() { printf '%-28s %s (%s s)\n' "$1" "$2" "$3"; }

# step NAME SECONDS COMMAND...: one check. Its output is shown only if it fails.
step() {
  local name="$1" seconds="$2" log="$results/step.log" started=$SECONDS status=0
  shift 2
  timeout --kill-after=10 "$seconds" "$@" >"$log" 2>&1 || status=$?
  if [[ $status -eq 0 ]]; then
    passed=$((passed + 1))
    line "$name" ok "$((SECONDS - started))"
    return 0
  fi
  failed=$((failed + 1))
  line "$name" "FAILED (exit $status)" "$((SECONDS - started))"
  # The same error is reported once per project that it breaks.
  grep -E '(error|warning) [A-Z]+[0-9]+|error:|^In .* line|SC[0-9]+' "$log" | sort -u | head -40 || tail -n 40 "$log"
  return 1
}

# The counts of a TRX file, and its failures with their messages.
read_results() {
  python3 - "$1" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

t = "{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}"
try:
    root = tree.parse(sys.argv[1]).getroot()
except (OSError, tree.ParseError) as e:
    print("0 0")
    print(f"no readable result file: {e}")
    sys.exit()
results = root.findall(f"{t}Results/{t}UnitTestResult")
good = sum(r.get("outcome") == "Passed" for r in results)
bad = [r for r in results if r.get("outcome") not in ("Passed", "NotExecuted")]
print(good, len(bad))
for r in bad:
    print(f"  FAILED {r.get('testName')}")
    # FsCheck writes the shrunk example and the seed for Replay into the message.
    for part in ("Message", "StackTrace"):
        text = r.findtext(f"{t}Output/{t}ErrorInfo/{t}{part}") or ""
        for shown in text.strip().splitlines()[: 40 if part == "Message" else 6]:
            # The beginning of a printed state is enough; the seed replays it.
            print(f"    {shown[:500]}")
PYTHON
}

# suite PROJECT: runs all tests of a project that is already built.
suite() {
  local project="$1" name trx log started=$SECONDS status=0 good=0 bad=0 outcome
  name="$(basename "$project")"
  trx="$results/$name.trx"
  log="$results/$name.log"
  timeout --kill-after=10 "$limit" dotnet test "$project" -c Release --no-build --nologo \
    --logger "trx;LogFileName=$trx" --blame-hang-timeout "$((limit - 30))s" --blame-hang-dump-type none \
    --results-directory "$results/$name" >"$log" 2>&1 || status=$?
  outcome="$(read_results "$trx")"
  read -r good bad <<<"$outcome"
  if [[ $bad -eq 0 && ($status -ne 0 || $good -eq 0) ]]; then
    # It crashed, timed out or found no test, so the tests that passed say nothing about the rest.
    bad=1
    outcome+=$'\n'"  FAILED the runner ended with $status after $good tests"$'\n'"$(tail -n 20 "$log")"
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  line "$name" "$good passed, $bad failed" "$((SECONDS - started))"
  tail -n +2 <<<"$outcome"
}

scripts=(scripts/*.sh bench/*.sh .ci/run packaging/completions/*.bash packaging/bird/bal-announce packaging/debian/*)
step shellcheck 60 shellcheck -x "${scripts[@]}" || true
step restore 300 dotnet restore Bal.sln -v quiet || true
step format 300 dotnet format Bal.sln --no-restore --verify-no-changes || true
built=
step build 420 dotnet build Bal.sln -c Release --no-restore --nologo -v quiet && built=yes
published=
# With a limit of its own: most of the native compilation is one single-threaded phase.
step publish 600 scripts/publish.sh --if-needed && published=yes
export BAL_BINARY="$ROOT/dist/bal"

for project in tests/*/; do
  project="${project%/}"
  # Projects without tests, such as the fuzzer's harness, are skipped.
  grep -qs '<IsTestProject>true' "$project"/*.*proj || continue
  if [[ -z $built || ($project == tests/Bal.EndToEnd && -z $published) ]]; then
    failed=$((failed + 1))
    line "$(basename "$project")" "FAILED (not run: its build failed)" 0
  else
    suite "$project"
  fi
done

if [[ -n $published ]]; then
  # Where namespaces are not permitted, it says so and fails: nothing else tests more than one machine.
  step ha-lab 420 scripts/ha-lab.sh --short || true
else
  failed=$((failed + 1))
  line ha-lab "FAILED (not run: its build failed)" 0
fi

if [[ -n $published ]]; then
  step packages 240 scripts/package-check.sh || tail -n 30 "$results/step.log"
else
  failed=$((failed + 1))
  line packages "FAILED (not run: its build failed)" 0
fi

if [[ -n $built && -n $published ]]; then
  step soak 240 env BAL_SOAK_BUILT=1 scripts/soak.sh --seconds 60 || tail -n 60 "$results/step.log"
else
  failed=$((failed + 1))
  line soak "FAILED (not run: its build failed)" 0
fi

printf '%s passed, %s failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
