"""Counts the instructions of a guarded step's call: `instructions.py FOLDER`.

FOLDER has the programs `begin` and `steps`, with their symbols. Valgrind counts, so that the number
is the same on a busy machine. It has no instructions for SHA-256, and hashes in software. So hashes
are counted apart, by the name of their function.
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


def counted(stub, program, event, count):
    """Returns the instructions of a process that answers so many calls, and those of its hashes."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/callgrind.out"
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", program]
        stub.calls = Calls(event, count)
        with calls.running(stub, command, {"_HANDLER": "step", "HOLDFAST_ACTION": "http"}) as process:
            process.terminate()
            process.wait()
        shown = subprocess.run(["callgrind_annotate", out], check=True, text=True, capture_output=True)
    numbers = {"TOTALS": 0, HASH: 0}
    for line in shown.stdout.splitlines():
        for name in numbers:
            if name in line:
                numbers[name] += int(line.split()[0].replace(",", ""))
    return numbers["TOTALS"], numbers[HASH]


def main():
    programs = pathlib.Path(sys.argv[1])
    stub = Stub()
    calls.begin(stub, programs)
    event = calls.event(stub)
    few, many = (counted(stub, programs / "steps", event, count) for count in (FEW, MANY))
    total, hashes = ((after - before) / (MANY - FEW) for before, after in zip(few, many))
    if not hashes:
        raise SystemExit(f"{programs / 'steps'} has no function {HASH}: build with RUSTFLAGS=-Cstrip=none")
    print(json.dumps({"instructions": round(total - hashes), "of hashes in software": round(hashes)}))


if __name__ == "__main__":
    main()
