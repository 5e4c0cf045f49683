#!/usr/bin/env python3
"""Breaks the rules of Bal.Domain on purpose, one at a time, and says which property catches each.

    scripts/mutate.py [--only WORD] [--update]
    scripts/mutate.py --table

tests/Bal.Domain.Specs/broken-rules.json lists the rules: in which file, which text stands for the rule, what replaces
it, and the properties that caught it. Everything happens in a copy of the working tree, so that a run that is ended
leaves no broken rule behind. It exits 1 where a rule can be broken unnoticed, does not compile when broken, or is not
caught by any property that the list names.

  --only WORD  only rules whose name or file contains WORD
  --update     write down the properties that caught each rule, where they are others than listed; none where it survived
  --table      only write the tables of docs/specification.md from the list
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "tests/Bal.Domain.Specs/broken-rules.json"
PAGE = ROOT / "docs/specification.md"
DOMAIN = "src/Bal.Domain"
SPECS = "tests/Bal.Domain.Specs"
OUTPUT = "bin/Release/net10.0"
# Of the properties that catch a rule, as many are named as help a reader.
NAMED = 2
# A broken rule may make a loop endless. The whole specification takes half a minute.
PATIENCE_S = 240
FLAGS = ["-c", "Release", "--nologo", "-v", "quiet"]
# A broken rule may well leave something unused; what is wrong with its style is of no interest.
LENIENT = ["--no-restore", "-p:RunAnalyzers=false", "-p:EnforceCodeStyleInBuild=false",
           "-p:TreatWarningsAsErrors=false", "-p:GenerateDocumentationFile=false"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", default="", metavar="WORD")
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("--table", action="store_true")
    options = arguments.parse_args()
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    failed = 0 if options.table else run(rules, options)
    if options.table or options.update:
        write_tables(rules)
    return 1 if failed else 0


def run(rules, options):
    word = options.only.lower()
    chosen = [rule for rule in rules if word in rule["rule"].lower() or word in rule["file"].lower()]
    counts = dict.fromkeys(("caught", "survived", "not compiled", "caught by others", "did not end"), 0)
    with tempfile.TemporaryDirectory(prefix="bal-mutate-") as folder:
        tree = Path(folder)
        copy(tree)
        build(tree, f"{SPECS}", FLAGS)
        for rule in chosen:
            outcome, names = break_one(tree, rule)
            counts[outcome] += 1
            print(f"{outcome}: {rule['file']}: {rule['rule']}: {'; '.join(names)}", flush=True)
            if options.update and outcome in ("caught", "survived", "caught by others"):
                rule["caughtBy"] = named(rule, names)
                RULES.write_text(to_json(rules), encoding="utf-8")
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return sum(counts.values()) - counts["caught"]


def copy(tree):
    def built(_, names):
        return [name for name in names if name in ("bin", "obj")]

    for name in os.listdir(ROOT):
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, tree / name)
    for project in (DOMAIN, SPECS):
        shutil.copytree(ROOT / project, tree / project, ignore=built)


def build(tree, project, flags):
    done = subprocess.run(["dotnet", "build", project, *flags], cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{project} does not build:\n{done.stdout[-2000:]}")


def break_one(tree, rule):
    """What came of it, and the properties that failed."""
    path = tree / DOMAIN / f"{rule['file']}.cs"
    sound = path.read_text(encoding="utf-8")
    if sound.count(rule["old"]) != 1:
        sys.exit(f"{rule['rule']}: its text stands {sound.count(rule['old'])} times in {rule['file']}.cs, not once")
    path.write_text(sound.replace(rule["old"], rule["new"]), encoding="utf-8")
    try:
        done = subprocess.run(["dotnet", "build", DOMAIN, *FLAGS, *LENIENT],
                              cwd=tree, capture_output=True, text=True, check=False)
        if done.returncode:
            return "not compiled", sorted(set(re.findall(r"error \w+: [^\[]*", done.stdout)))[:1]
        shutil.copy(tree / DOMAIN / OUTPUT / "Bal.Domain.dll", tree / SPECS / OUTPUT)
        # The properties that caught it before will do so again, in a tenth of the time of all.
        names = failures(tree, sorted({name.split(".")[0] for name in rule["caughtBy"]})) or failures(tree, [])
    except subprocess.TimeoutExpired:
        return "did not end", []
    finally:
        path.write_text(sound, encoding="utf-8")
    if not names:
        return "survived", []
    return ("caught" if set(rule["caughtBy"]) & set(names) else "caught by others"), names


def failures(tree, classes):
    command = ["dotnet", "test", f"{SPECS}/{OUTPUT}/Bal.Domain.Specs.dll", "--nologo"]
    if classes:
        command += ["--filter", "|".join(f"FullyQualifiedName~{name}" for name in classes)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return sorted(set(re.findall(r"^\s+Failed Bal\.Domain\.Specs\.(?:\w+\.)*?(\w+\.\w+)[ (]", done.stdout, re.M)))


def named(rule, names):
    """Those already named go first, so that the page does not change with the dice."""
    before = [name for name in rule["caughtBy"] if name in names]
    return (before + [name for name in names if name not in before])[:NAMED]


def to_json(rules):
    """One member a line, so that a change of one shows as such."""
    def member(key, value):
        return f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"

    items = ("  {\n" + ",\n".join(member(*pair) for pair in rule.items()) + "\n  }" for rule in rules)
    return "[\n" + ",\n".join(items) + "\n]\n"


def write_tables(rules):
    """A table for each folder of the domain, in the order of the list."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- scripts/mutate.py writes from here -->\n", "<!-- to here -->\n"
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    tables = []
    for folder in dict.fromkeys(rule["file"].split("/")[0] for rule in rules):
        tables.append(f"### {folder}\n\n| rule | broken how | caught by |\n|---|---|---|\n" + "".join(
            f"| {rule['rule']} | {Path(rule['file']).name}: {difference(rule['old'], rule['new'])} | "
            f"{'; '.join(rule['caughtBy'])} |\n"
            for rule in rules if rule["file"].startswith(folder + "/")))
    caught = sum(1 for rule in rules if rule["caughtBy"])
    count = f"{caught} of {len(rules)} are caught.\n"
    PAGE.write_text(f"{head}{begin}{count}\n" + "\n".join(tables) + f"\n{end}{tail}", encoding="utf-8")


def difference(old, new):
    """What is another text in the second one, with a little of what stands around it."""
    a, b = words(old), words(new)
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    stop = 0
    while stop < min(len(a), len(b)) - start and a[-1 - stop] == b[-1 - stop]:
        stop += 1
    if start == len(b) - stop:
        return f"without {code(a[start:len(a) - stop])}"
    # An operator alone would not tell where it stands.
    while len("".join(a[start:len(a) - stop])) < 16 and (start or stop):
        start, stop = max(0, start - 1), max(0, stop - 1)
    return f"{code(a[start:len(a) - stop])} → {code(b[start:len(b) - stop])}"


def words(text):
    return re.findall(r"\w+|\s+|[^\w\s]+", re.sub(r"\s+", " ", text.strip()))


def code(parts):
    text = "".join(parts).strip()
    shown = text if len(text) <= 64 else text[:62].rstrip() + " …"
    return "`" + shown.replace("|", "\\|") + "`"


if __name__ == "__main__":
    sys.exit(main())
