#!/usr/bin/env bash
# Mutation testing of the core: breaks src/Bal.Domain on purpose and reports what tests/Bal.Domain.Specs does not notice.
#   scripts/mutate.sh FILE...            mutates these files, such as src/Bal.Domain/Backoff/Cooldown.cs
#   scripts/mutate.sh --since COMMIT     mutates the files of the core that changed since COMMIT
# Uses Stryker.NET in a copy of the working tree; the tool, the copy and the reports are under dist/mutation. Slow: the start
# takes minutes, and so do every few mutants. A run is stopped after BAL_MUTATE_LIMIT seconds (3600). Prints the mutants that
# were not noticed; the exit code is 0 if the run completes, whether or not there are any.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

usage="usage: scripts/mutate.sh FILE... | --since COMMIT"
core=src/Bal.Domain
work="$ROOT/dist/mutation"
caller="$PWD"
files=()
case "${1:-}" in
  --since)
    [[ $# -eq 2 ]] || die "$usage"
    git -C "$ROOT" rev-parse --quiet --verify "$2^{commit}" >/dev/null || die "unknown commit: $2"
    while read -r file; do files+=("$file"); done < <(
      git -C "$ROOT" diff --name-only --diff-filter=d "$2" -- "$core/*.cs"
      git -C "$ROOT" ls-files --others --exclude-standard -- "$core/*.cs")
    [[ ${#files[@]} -gt 0 ]] || { say "no file of $core changed since $2"; exit 0; }
    ;;
  '' | -*) die "$usage" ;;
  *)
    for file in "$@"; do
      file="$(cd "$caller" && realpath -s -- "$file")"
      [[ -f $file && $file == "$ROOT/$core/"*.cs ]] || die "not a source file of $core: $file"
      files+=("${file#"$ROOT/"}")
    done
    ;;
esac

need_dotnet
mkdir -p "$work"
[[ -x $work/tool/dotnet-stryker ]] || dotnet tool install dotnet-stryker --version 5.1.0 --tool-path "$work/tool" >&2

# A copy, so that a mutated assembly never remains in the working tree.
rm -rf -- "${work:?}/tree"
mkdir -p "$work/tree"
git -C "$ROOT" ls-files -z --cached --others --exclude-standard -- \
  "$core" tests/Bal.Domain.Specs tests/Fixtures Bal.sln '*.props' global.json .editorconfig |
  (cd "$ROOT" && while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
    tar --null --files-from=- --create) | tar --extract --directory "$work/tree"

mutate=()
for file in "${files[@]}"; do mutate+=(--mutate "${file#"$core/"}"); done
say "mutating: ${files[*]}"
# The build in the copy is not what analyzers have to check.
export RunAnalyzers=false
cd "$work/tree/tests/Bal.Domain.Specs"
status=0
timeout --kill-after=10 "${BAL_MUTATE_LIMIT:-3600}" nice -n 10 "$work/tool/dotnet-stryker" \
  --project Bal.Domain.csproj "${mutate[@]}" --reporter html --reporter json \
  --break-at 0 --skip-version-check --output "$work/report" || status=$?
# The counts, and each mutant that no test caught, with its place.
summary() {
  python3 - "$work/report/reports/mutation-report.json" <<'PYTHON'
import collections
import json
import sys

counts = collections.Counter()
for file, found in json.load(open(sys.argv[1], encoding="utf-8"))["files"].items():
    for mutant in found["mutants"]:
        status = mutant["status"]
        if status in ("Ignored", "CompileError"):
            continue
        counts[status] += 1
        if status != "Killed":
            name = file.split("/src/", 1)[-1]
            print(f"{status}: src/{name}:{mutant['location']['start']['line']}: {mutant.get('replacement')}")
print(", ".join(f"{count} {status.lower()}" for status, count in counts.most_common()) or "no mutants")
PYTHON
}

case "$status" in
  0)
    summary
    say "report: $work/report/reports/mutation-report.html"
    ;;
  124) die "stopped after ${BAL_MUTATE_LIMIT:-3600} s: name fewer files, or set BAL_MUTATE_LIMIT (seconds)" ;;
  *) die "Stryker failed with exit code $status" ;;
esac
