#!/usr/bin/env python3
"""
Lists every text that bal may show: the string literals of src with a space in them, by file and line, so that they can be
read in one go.
  scripts/messages.py [FOLDER ...]     (src by default)
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Raw strings, then ordinary ones with escapes; comments are taken first so that quotes in them do not count.
TOKEN = re.compile(r'(?P<comment>//[^\n]*|/\*.*?\*/)|\$*"""(?P<raw>.*?)"""|(?P<char>\'(?:\\.|[^\'\\\n])\')'
                   r'|[$@]*"(?P<text>(?:\\.|[^"\\\n])*)"', re.S)


def texts(path):
    source = path.read_text()
    for match in TOKEN.finditer(source):
        text = match["raw"] if match["raw"] is not None else match["text"]
        if text and re.search(r"[A-Za-z]{2,} |[a-z]\.$", text.strip() + " ") and " " in text.strip():
            yield source.count("\n", 0, match.start()) + 1, " ".join(text.split())


def main():
    for folder in sys.argv[1:] or ["src"]:
        for path in sorted((ROOT / folder).rglob("*.cs")):
            if "obj" in path.parts or "bin" in path.parts:
                continue
            found = list(texts(path))
            if found:
                print(f"\n{path.relative_to(ROOT)}")
            for line, text in found:
                print(f"  {line}: {text}")


if __name__ == "__main__":
    main()
