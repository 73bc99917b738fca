"""Checks the attack list of SECURITY.md: each test exists, and all of tests/attacks are in it."""

import re
import subprocess
import sys
from pathlib import Path

SECTION = re.compile(r"^## Attacks\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
# A test of Rust, with any attributes and comments between its mark and its function.
TEST = re.compile(r"#\[(?:tokio::)?test\b[^\n]*\n(?:\s*(?:#\[|//)[^\n]*\n)*\s*(?:async )?fn (\w+)")
NAME = re.compile(r"`([a-z0-9_]+)`")


def tests():
    """The names of all tests of the workspace, each with its files."""
    listed = subprocess.run(["git", "ls-files", "*.rs"], check=True, capture_output=True, text=True)
    found = {}
    for path in listed.stdout.splitlines():
        for name in TEST.findall(Path(path).read_text(encoding="utf-8")):
            found.setdefault(name, []).append(path)
    return found


def rows(text):
    """The rows of the list: attack, what stops it, the tests of its last column."""
    section = SECTION.search(text)
    lines = section[1].splitlines() if section else []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|- ") and cells[-1] != "test":
            yield cells[0], NAME.findall(cells[-1])


def main():
    found, named, faults = tests(), set(), []
    attacks = list(rows(Path("SECURITY.md").read_text(encoding="utf-8")))
    if not attacks:
        faults.append("SECURITY.md has no list under the heading Attacks")
    for attack, names in attacks:
        if not names:
            faults.append(f"SECURITY.md: no test is named for: {attack}")
        named.update(names)
        faults += [f"SECURITY.md: there is no test {name}, for: {attack}" for name in names if name not in found]
    for name, paths in found.items():
        if name not in named and any(path.startswith("tests/attacks/") for path in paths):
            faults.append(f"{paths[0]}: SECURITY.md does not list {name}")
    print("\n".join(faults) or f"{len(attacks)} attacks, {len(named)} tests")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
