"""Counts what a guarded step's call runs: `instructions.py FOLDER`.

FOLDER has the programs `begin` and `steps`, with their symbols. Valgrind counts, so that the number
is the same on a busy machine. It has no instructions for SHA-256, and hashes in software. So hashes
are counted apart, by the name of their function. Cache lines of code are counted again after
each wait: a core that sleeps meanwhile finds its caches cold.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import calls
from stub import Calls, Stub

FEW, MANY = 20, 220
HASH = "compress256"
# A call's waits, each for an answer.
WAITS = 6
# The bytes of a cache line.
LINE = 64


def profiled(stub, program, event, count, out, *options):
    """Runs a process that answers so many calls, whose counts Callgrind writes to `out`."""
    stub.calls = Calls(event, count)
    command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", *options, program]
    with calls.running(stub, command, {"_HANDLER": "step", "HOLDFAST_ACTION": "http"}) as process:
        process.terminate()
        process.wait()


def counted(stub, program, event, count):
    """Returns the instructions of a process that answers so many calls, and those of its hashes."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/callgrind.out"
        profiled(stub, program, event, count, out)
        shown = subprocess.run(["callgrind_annotate", out], check=True, text=True, capture_output=True)
    numbers = {"TOTALS": 0, HASH: 0}
    for line in shown.stdout.splitlines():
        for name in numbers:
            if name in line:
                numbers[name] += int(line.split()[0].replace(",", ""))
    return numbers["TOTALS"], numbers[HASH]


def code_cache_lines(stub, program, event):
    """Returns the cache lines of code that a call runs, counted again after each of its waits."""
    with tempfile.TemporaryDirectory() as folder:
        profiled(stub, program, event, FEW, f"{folder}/out", "--dump-instr=yes", "--dump-before=epoll_wait")
        dumps = sorted(pathlib.Path(folder).glob("out.*"), key=lambda dump: int(dump.suffix[1:]))
        # The first half of the calls makes connections. The last waits follow the last event.
        waits = WAITS * FEW // 2
        return sum(len(cache_lines(dump)) for dump in dumps[-waits - WAITS : -WAITS]) * WAITS / waits


def cache_lines(dump):
    """Returns the cache lines of the instructions in a dump of Callgrind.

    A line of costs begins with an address: absolute, or relative to the one before, which `*`
    repeats. The line after `calls=` repeats the costs of a callee.
    """
    found, address, callee = set(), 0, False
    for line in dump.read_text().splitlines():
        if line.startswith("calls="):
            callee = True
        elif line[:1] in ("0", "+", "-", "*"):
            text = line.split()[0]
            if text.startswith("0x"):
                address = int(text, 16)
            elif text != "*":
                address += int(text)
            if not callee:
                found.add(address // LINE)
            callee = False
    return found


def main():
    programs = pathlib.Path(sys.argv[1])
    stub = Stub()
    calls.begin(stub, programs)
    event = calls.event(stub)
    few, many = (counted(stub, programs / "steps", event, count) for count in (FEW, MANY))
    total, hashes = ((after - before) / (MANY - FEW) for before, after in zip(few, many))
    if not hashes:
        raise SystemExit(f"{programs / 'steps'} has no function {HASH}: build with RUSTFLAGS=-Cstrip=none")
    numbers = {"instructions": total - hashes, "of hashes in software": hashes}
    numbers["cache lines of code"] = code_cache_lines(stub, programs / "steps", event)
    print(json.dumps({name: round(number) for name, number in numbers.items()}))


if __name__ == "__main__":
    main()
