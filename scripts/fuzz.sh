#!/usr/bin/env bash
# Fuzzes the code that reads bytes which bal did not write, guided by coverage (SharpFuzz under afl-fuzz).
#   scripts/fuzz.sh [TARGET] [SECONDS]     one target, or 'all' in turn; 60 s each
#   scripts/fuzz.sh collect [TARGET]       minimises what was found into tests/Bal.Fuzz/corpus
# All output is in BAL_FUZZ_DIR (dist/fuzz). The exit code is 1 if an input broke a claim or took too long.
set -euo pipefail
here="$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

work="${BAL_FUZZ_DIR:-$ROOT/dist/fuzz}"
tests="$ROOT/tests/Bal.Fuzz"
# Larger inputs only slow the search down; named tests cover them.
longest=65536
# The largest corpus file, and the most files per target: every test run reads them all.
largest=8192
most=60

export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=60000
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_FAST_CAL=1 DOTNET_TieredCompilation=1 DOTNET_gcServer=0

targets() { find "$tests/corpus" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort; }

# Copies of the assemblies that count the branches they take.
instrument() {
  local assembly
  need_dotnet
  need_packages afl++
  mkdir -p "$work"
  [[ -x $work/tool/sharpfuzz ]] ||
    dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path "$work/tool" >&2
  dotnet build "$tests" -c Release --nologo -v quiet >&2
  rm -rf -- "${work:?}/bin"
  cp -r "$tests/bin/Release/net10.0" "$work/bin"
  for assembly in Bal.Domain Bal.Application Bal.Infrastructure bal YamlDotNet; do
    "$work/tool/sharpfuzz" "$work/bin/$assembly.dll" >&2
  done
}

# stat TARGET NAME: a line of what afl-fuzz wrote about a run.
stat_of() { sed -n "s/^$2 *: //p" "$work/out/$1/default/fuzzer_stats"; }

fuzz() {
  local target="$1" seconds="$2" status=0 seeds="$tests/corpus/$1" words=()
  [[ -d $seeds ]] || die "unknown target '$target'; expected one of: $(targets | tr '\n' ' ')"
  [[ ! -f $tests/dictionaries/$target.dict ]] || words=(-x "$tests/dictionaries/$target.dict")
  mkdir -p "$work/out"
  # Continues an earlier run.
  [[ ! -d $work/out/$target/default/queue ]] || seeds=-
  nice -n 19 afl-fuzz -i "$seeds" -o "$work/out/$target" -V "$seconds" -t 5000 -m none -G "$longest" \
    "${words[@]}" -- dotnet "$work/bin/Bal.Fuzz.dll" "$target" >"$work/out/$target.log" 2>&1 || status=$?
  [[ $status -eq 0 ]] || { tail -n 20 "$work/out/$target.log" >&2; die "afl-fuzz ended with $status"; }
  printf '%s: %s s, %s executions, %s inputs kept (%s found), stability %s, crashes %s, hangs %s\n' "$target" \
    "$(stat_of "$target" run_time)" "$(stat_of "$target" execs_done)" "$(stat_of "$target" corpus_count)" \
    "$(stat_of "$target" corpus_found)" "$(stat_of "$target" stability)" \
    "$(stat_of "$target" saved_crashes)" "$(stat_of "$target" saved_hangs)"
  [[ "$(stat_of "$target" saved_crashes)$(stat_of "$target" saved_hangs)" == 00 ]] ||
    { say "see $work/out/$target/default/crashes and hangs; dotnet $work/bin/Bal.Fuzz.dll $target FILE... says what broke"
      return 1; }
}

# Keeps a small set of small inputs that together reach every branch reached, named by their content.
collect() {
  local target="$1" input kept=0 small="$work/min/$1" corpus="$tests/corpus/$1"
  rm -rf -- "$small" "$small.all"
  mkdir -p "$small.all"
  cp -- "$corpus"/* "$small.all"
  find "$work/out/$target/default/queue" -maxdepth 1 -type f -exec cp -t "$small.all" -- {} +
  find "$small.all" -type f -size "+${largest}c" -delete
  AFL_ALLOW_TMP=1 afl-cmin -i "$small.all" -o "$small" -t 5000 -m none -- "$(command -v dotnet)" "$work/bin/Bal.Fuzz.dll" "$target" >&2
  # Files written by hand keep their names.
  find "$corpus" -maxdepth 1 -type f -name 'found-*' -delete
  while read -r input; do
    [[ $kept -lt $most ]] || break
    cp -- "$input" "$corpus/found-$(sha256sum <"$input" | cut -c1-12)"
    kept=$((kept + 1))
  done < <(find "$small" -type f -printf '%s %p\n' | sort -n | cut -d' ' -f2-)
  say "$target: $kept inputs"
}

first="${1:-all}"
case "$first" in
  collect)
    for target in ${2:-$(targets)}; do collect "$target"; done
    ;;
  *)
    instrument
    broken=0
    for target in $([[ $first == all ]] && targets || printf '%s' "$first"); do
      fuzz "$target" "${2:-60}" || broken=1
    done
    exit "$broken"
    ;;
esac
