"""Counts what docs/contributing.md asks of prose and names, over every file that git tracks.

Each finding is printed as `file:line: rule: text`. The counts per rule follow, and the exit code
is 1 if there is any finding. A row of ALLOWED excuses one word in one file, with the reason.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

# Path, the word or the name of the rule, and why it stays.
ALLOWED = [
    ("infra/local/prose.py", "nobody", "the check itself"),
    ("infra/local/prose.py", "somebody", "the check itself"),
    ("infra/local/prose.py", "whoever", "the check itself"),
    ("infra/bench/counts.py", "width", "a line of YAML inside a text"),
    ("shared/admission/src/tests/times.rs", "nobody", "a reason in a person's words"),
    ("shared/workflow/src/definition/tests/schema.rs", "nobody", "the name of an action that does not exist"),
    ("shared/workflow/src/definition/tests/syntax.rs", "nobody", "the name of an anchor that does not exist"),
]

# Files of other tools, and a text that must stay as its author wrote it.
IGNORED = re.compile(r"(^|/)(Cargo\.lock|package-lock\.json|LICENSE)$|^tests/features/.*\.feature$")
COLUMNS = 100

# A doc comment starts with its subject.
QUESTION = re.compile(r"(What|Who|Whether|Which|Whoever)\b")
PERSON = re.compile(r"(?<![a-z])(nobody|somebody|whoever)(?![a-z])", re.IGNORECASE)
TYPE = re.compile(r"^\s*(?:pub(?:\([a-z ]+\))? )?(?:struct|enum|trait|type|union) (\w+)")
# Words in -ed that are nouns or adjectives, not participles.
NOT_PARTICIPLES = {"Deed", "Feed", "Need", "Seed", "Speed"}
IRREGULAR_PARTICIPLES = set(
    "Begun Bound Broken Brought Built Caught Chosen Done Drawn Driven Fallen Forgotten Found Frozen "
    "Given Gone Grown Held Hidden Kept Known Left Lost Made Meant Met Said Seen Sent Shown Sought "
    "Spent Spoken Stolen Stuck Taken Thought Thrown Told Torn Unknown Untold Withdrawn Won Written".split()
)
SCRIPTS = {".sh": "#", ".py": "#", ".mjs": "//", ".ts": "//", ".tsx": "//", ".yaml": "#", ".yml": "#", ".toml": "#"}


def text_of(path):
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []


def participle(name):
    ends = name.endswith("ed") and name not in NOT_PARTICIPLES
    return re.fullmatch(r"[A-Z][a-z]+", name) and (ends or name in IRREGULAR_PARTICIPLES)


def columns(line):
    """The width of a line without the addresses in it, which cannot be wrapped."""
    return len(re.sub(r"(?<=\])\([^)]*\)|https?://\S+", "", line))


def rust(lines):
    """Findings in Rust: starts of doc comments, width, names of types."""
    before = ""
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        doc = re.match(r"//[/!] ?", stripped)
        opens = doc and not before.startswith(("///", "//!"))
        if opens and QUESTION.match(stripped[doc.end():]):
            yield number, "start", stripped.split()[1].strip(".,:")
        # Code is rustfmt's, which breaks no string literal.
        if stripped.startswith("//") and columns(line) > COLUMNS:
            yield number, "width", f"{len(line)} columns"
        named = TYPE.match(line)
        if named and participle(named[1]):
            yield number, "participle", named[1]
        before = stripped


def markdown(lines):
    """Findings in Markdown: width outside code, tables and addresses of links."""
    code = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            code = not code
        exempt = code or line.lstrip().startswith(("|", "<")) or re.match(r"\[[^]]+\]: ", line)
        if not exempt and columns(line) > COLUMNS:
            yield number, "width", f"{len(line)} columns"


def script(lines, mark, python):
    """Findings in scripts and YAML: width of comments, and of the docstrings of Python."""
    docstring = False
    for number, line in enumerate(lines, 1):
        quotes = line.count('"""') if python else 0
        comment = line.strip().startswith(mark) or docstring or quotes
        docstring ^= quotes == 1
        if comment and columns(line) > COLUMNS:
            yield number, "width", f"{len(line)} columns"


def first_line(lines, suffix):
    """True if a file begins with a sentence that says what it owns."""
    lines = [line for line in lines if not line.startswith("#!/")]
    if not lines:
        return True
    marks = {".rs": ("//! ",), ".sh": ("# ",), ".py": ("# ", '"""')}.get(suffix, ("// ",))
    return lines[0].startswith(marks) and re.search(r"[A-Z`].*", lines[0]) is not None


def findings(path):
    lines, suffix = text_of(path), Path(path).suffix
    for number, line in enumerate(lines, 1):
        for word in PERSON.findall(line):
            yield number, "person", word.lower()
    if suffix == ".rs":
        yield from rust(lines)
    elif suffix == ".md":
        yield from markdown(lines)
    elif suffix in SCRIPTS or Path(path).name == "Makefile":
        yield from script(lines, SCRIPTS.get(suffix, "#"), suffix == ".py")
    if suffix in (".rs", ".sh", ".py", ".mjs", ".ts", ".tsx") and not first_line(lines, suffix):
        yield 1, "first line", "no sentence that says what the file owns"


def main():
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    allowed = {(path, text) for path, text, _ in ALLOWED}
    unused, counts = set(allowed), Counter()
    for path in listed.stdout.splitlines():
        if IGNORED.search(path):
            continue
        for number, rule, text in findings(path):
            excuses = {(path, text), (path, rule)} & allowed
            unused -= excuses
            if not excuses:
                counts[rule] += 1
                print(f"{path}:{number}: {rule}: {text}")
    for path, text in sorted(unused):
        counts["unused row"] += 1
        print(f"infra/local/prose.py: unused row: {path}, {text}")
    for rule, count in sorted(counts.items()):
        print(f"{rule}: {count}")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
