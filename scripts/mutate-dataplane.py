#!/usr/bin/env python3
"""Breaks the data plane at random, one operator, constant or condition at a time, and says whether a test notices.

    scripts/mutate-dataplane.py [--count N] [--seed S] [--files WORD] [--filter TESTS] [--at FILE:LINE:OLD:NEW]

Everything happens in a copy of the working tree. A mutation counts as caught where it does not compile, where a test
fails, crashes or hangs, and as survived where all pass: then a test is missing, or the mutation changes nothing. The
rules that are pure functions have their own: scripts/mutate.py. It exits 1 where a mutation survived.

  --count N   how many mutations (20)
  --seed S    which ones (1)
  --files W   only in files of the data plane whose name contains W
  --filter T  the tests that have to notice (FullyQualifiedName~Bal.Integration.DataPlane)
  --at ...    this mutation instead of random ones; the text OLD of that line, the first time it stands there
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLANE = "src/Bal.Infrastructure/DataPlane"
TESTS = "tests/Bal.Integration"
# Without any mutation; with one, three times as long as that took, and a little.
PATIENCE_S = 300
FLAGS = ["-c", "Release", "--nologo", "-v", "quiet", "-p:RunAnalyzers=false", "-p:EnforceCodeStyleInBuild=false",
         "-p:TreatWarningsAsErrors=false", "-p:GenerateDocumentationFile=false", "-nodeReuse:false"]
OUTPUT = "bin/Release/net10.0"
# What becomes what; the spaces keep generics, lambdas and unary operators out.
SWAPS = [(" == ", " != "), (" != ", " == "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
         (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "), (" * ", " / "), (" += ", " -= "),
         (" -= ", " += "), ("++", "--"), (" |= ", " &= "), (" is not ", " is "), ("return true;", "return false;"),
         ("return false;", "return true;"), ("= true;", "= false;"), ("= false;", "= true;"),
         ("Math.Min(", "Math.Max("), ("Math.Max(", "Math.Min("), ("if (", "if (!("), ("break;", "{ }")]
NUMBER = re.compile(r"(?<![\w.])\d[\d_]*(?![\w.])")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--files", default="")
    arguments.add_argument("--filter", default="FullyQualifiedName~Bal.Integration.DataPlane")
    arguments.add_argument("--at", action="append", default=[])
    options = arguments.parse_args()
    chosen = [given(at) for at in options.at] or drawn(options)
    counts = {"caught": 0, "survived": 0, "not compiled": 0}
    with tempfile.TemporaryDirectory(prefix="bal-mutate-") as folder:
        tree = Path(folder)
        for name in ("src", "tests", "bench"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("bin", "obj"))
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, tree)
        subprocess.run(["dotnet", "build", TESTS, *FLAGS], cwd=tree, check=True)
        began = time.monotonic()
        if outcome(tree, options.filter, PATIENCE_S) != "survived":
            sys.exit("the tests fail without any mutation")
        patience = 15 + 3 * (time.monotonic() - began)
        for name, line, old, new in chosen:
            path = tree / PLANE / name
            text = path.read_text(encoding="utf-8")
            path.write_text(mutated(text, line, old, new), encoding="utf-8")
            result = outcome(tree, options.filter, patience) if build(tree) else "not compiled"
            path.write_text(text, encoding="utf-8")
            counts[result] += 1
            shown = text.splitlines()[line - 1].strip()
            print(f"{result}: {name}:{line}: '{old.strip()}' to '{new.strip()}': {shown}", flush=True)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["survived"] else 0


def given(at):
    name, line, old, new = at.split(":", 3)
    return name, int(line), old, new


def drawn(options):
    """Each line is as likely as any other, however many operators it has."""
    places = {}
    for path in sorted((ROOT / PLANE).glob("*.cs")):
        if options.files not in path.name:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//")[0]
            if not code.strip() or code.lstrip().startswith(("using", "[", "namespace")) or '"' in code:
                continue
            found = [(old, new) for old, new in SWAPS if old in code]
            found += [(n, str(int(n.replace("_", "")) + 1)) for n in NUMBER.findall(code)]
            if found:
                places[path.name, number] = found
    rng = random.Random(options.seed)
    lines = rng.sample(sorted(places), min(options.count, len(places)))
    return [(*line, *rng.choice(places[line])) for line in lines]


def mutated(text, line, old, new):
    lines = text.splitlines(keepends=True)
    if old not in lines[line - 1]:
        sys.exit(f"line {line} has no '{old}': {lines[line - 1].strip()}")
    if old == "if (":
        head, _, rest = lines[line - 1].partition(old)
        # A condition of one line; one of several does not compile, and counts as such.
        lines[line - 1] = head + new + rest.rstrip("\n")[::-1].replace(")", "))", 1)[::-1] + "\n"
    else:
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return "".join(lines)


def build(tree):
    """Only the mutated assembly, which then takes the place of the one that the tests load."""
    command = ["dotnet", "build", "src/Bal.Infrastructure", "--no-restore", "--no-dependencies", *FLAGS]
    if subprocess.run(command, cwd=tree, stdout=subprocess.DEVNULL).returncode != 0:
        return False
    name = "Bal.Infrastructure.dll"
    shutil.copy(tree / "src/Bal.Infrastructure" / OUTPUT / name, tree / TESTS / OUTPUT / name)
    return True


def outcome(tree, tests, patience):
    command = ["dotnet", "test", TESTS, "-c", "Release", "--no-build", "--nologo", "-v", "quiet", "--filter", tests,
               "--", "xUnit.StopOnFail=true"]
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return "survived" if process.wait(patience) == 0 else "caught"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "caught"


if __name__ == "__main__":
    sys.exit(main())
