"""Checks that Lambda can run a program: its processor, its loader and the glibc it needs.

`program.py --architecture x86_64 FILE…` reads the ELF files itself, so that a machine that builds
needs no binutils. The exit code is 1 if a file is refused; each line says why, and the remedy.
"""

import argparse
import re
import struct
import sys
from pathlib import Path

# The glibc of Amazon Linux 2023, on which the runtime provided.al2023 is based:
# docs.aws.amazon.com/linux/al2023/ug/core-glibc.html; github.com/aws/aws-lambda-builders/pull/752
# asked the runtime's image. What a newer one does:
# github.com/aws/aws-lambda-rust-runtime/issues/932.
GLIBC = (2, 34)
# Number of the ELF machine, name of the processor in a Rust target, and loader, by the architecture
# that a template names. The loaders are those of the psABI documents, at which glibc installs them.
ARCHITECTURES = {
    "x86_64": (62, "x86_64", "/lib64/ld-linux-x86-64.so.2"),
    "arm64": (183, "aarch64", "/lib/ld-linux-aarch64.so.1"),
}
MACHINES = {number: name for name, (number, _, _) in ARCHITECTURES.items()}
# Kinds of program headers, and tags of the dynamic section (gABI chapter 5; LSB for versions).
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 5, 0x6FFFFFFE, 0x6FFFFFFF


class Program:
    """An ELF program of 64 bits, little endian, as far as Lambda cares."""

    def __init__(self, content):
        if content[:4] != b"\x7fELF":
            raise ValueError("is no ELF program")
        if content[4:6] != b"\x02\x01":
            raise ValueError("is not of 64 bits, little endian")
        self.content = content
        self.machine = self.read("<H", 18)[0]
        start, size, count = self.read("<Q", 32)[0], *self.read("<HH", 54)
        # Kind, offset in the file, address in memory, size in the file.
        self.segments = []
        for at in range(start, start + size * count, size):
            kind, _, offset, address, _, length = self.read("<IIQQQQ", at)
            self.segments.append((kind, offset, address, length))

    def read(self, form, at):
        return struct.unpack_from(form, self.content, at)

    def text(self, at):
        return self.content[at : self.content.index(b"\0", at)].decode("utf-8", "replace")

    def offset(self, address):
        """The place in the file of what lies at an address in memory."""
        for kind, offset, start, length in self.segments:
            if kind == PT_LOAD and start <= address < start + length:
                return offset + address - start
        raise ValueError(f"has nothing at its address {address:#x}")

    def loader(self):
        """The loader's path; none if the program is linked statically."""
        return next((self.text(offset) for kind, offset, _, _ in self.segments if kind == PT_INTERP), None)

    def versions(self):
        """The versions of symbols that the program needs, such as GLIBC_2.34."""
        found, tags = set(), {}
        for kind, offset, _, length in self.segments:
            if kind == PT_DYNAMIC:
                tags = dict(self.read("<QQ", at) for at in range(offset, offset + length, 16))
        if DT_VERNEED not in tags:
            return found
        names, library = self.offset(tags[DT_STRTAB]), self.offset(tags[DT_VERNEED])
        for _ in range(tags[DT_VERNEEDNUM]):
            _, count, _, first, next_library = self.read("<HHIII", library)
            version = library + first
            for _ in range(count):
                _, _, _, name, next_version = self.read("<IHHII", version)
                found.add(self.text(names + name))
                version += next_version
            library += next_library
        return found


def order(version):
    """The place of a GLIBC_ version among all; one without a number (GLIBC_PRIVATE) comes last."""
    number = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)*)", version)
    return tuple(map(int, number[1].split("."))) if number else (sys.maxsize,)


def faults(content, architecture):
    """The reasons for which Lambda cannot run a program, each with its remedy."""
    machine, processor, loader = ARCHITECTURES[architecture]
    target = f"{processor}-unknown-linux-gnu.{'.'.join(map(str, GLIBC))}"
    remedy = (
        f"build it with HOLDFAST_TARGET={target} (cargo-lambda and zig), "
        "on Amazon Linux 2023, or in its container"
    )
    try:
        program = Program(content)
        found, needed = program.loader(), program.versions()
    except (ValueError, struct.error) as error:
        # Text that is cut short ends in struct.error or in a ValueError of index().
        return [f"cannot be read as a Linux program ({error}); {remedy}"]
    if program.machine != machine:
        name = MACHINES.get(program.machine, f"ELF machine {program.machine}")
        return [
            f"is for {name}, but Architecture is {architecture}; {remedy}, "
            f"or set the parameter Architecture (and HOLDFAST_ARCHITECTURE for sam build)"
        ]
    reasons = []
    if found not in (None, loader):
        reasons.append(f"asks for the loader {found}, but Lambda has {loader}; {remedy}")
    newest = max((one for one in needed if one.startswith("GLIBC_")), key=order, default=None)
    if newest and order(newest) > GLIBC:
        ours = ".".join(map(str, GLIBC))
        reasons.append(f"needs {newest}, but Amazon Linux 2023 has glibc {ours}; {remedy}")
    return reasons


def default_architecture(template):
    """The default of the template's parameter Architecture."""
    text = Path(template).read_text(encoding="utf-8")
    found = re.search(r"^  Architecture:\n(?:    .*\n)*?    Default: *(\w+)", text, re.MULTILINE)
    if not found or found[1] not in ARCHITECTURES:
        sys.exit(f"error: {template}: the parameter Architecture has no default of {', '.join(ARCHITECTURES)}")
    return found[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--architecture", choices=ARCHITECTURES)
    which.add_argument("--template", help="the file whose parameter Architecture has the default")
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    architecture = arguments.architecture or default_architecture(arguments.template)
    refused = False
    for file in arguments.files:
        try:
            content = file.read_bytes()
        except OSError as error:
            sys.exit(f"error: {file}: {error.strerror}")
        for fault in faults(content, architecture):
            print(f"error: {file} {fault}", file=sys.stderr)
            refused = True
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
