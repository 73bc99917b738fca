"""Fills the unwind tables of programs with zeros: `blank.py FILE…`.

A panic ends a function's process, so that nothing reads the tables
(docs/decisions/0150-a-panic-ends-the-process.md). Zeros take almost no space in a zip. A backtrace
ends at its first frame: libgcc ignores a table whose version is not 1 (unwind-dw2-fde-dip.c).
"""

import sys
from pathlib import Path

from program import Program

TABLES = (".eh_frame", ".eh_frame_hdr")
# Offsets in the ELF header: where the section headers are; then their size, their count, and the
# index of the section that has their names.
HEADERS, HEADER_SIZE = 40, 58


def sections(program):
    """Yields the name, the offset and the size of each section."""
    (start,) = program.read("<Q", HEADERS)
    size, count, names = program.read("<HHH", HEADER_SIZE)
    headers = [program.read("<IIQQQQ", start + number * size) for number in range(count)]
    for name, _, _, _, offset, length in headers:
        yield program.text(headers[names][4] + name), offset, length


def main():
    for path in map(Path, sys.argv[1:]):
        content = bytearray(path.read_bytes())
        for name, offset, length in sections(Program(bytes(content))):
            if name in TABLES:
                content[offset : offset + length] = bytes(length)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
