"""Measures the programs of the functions: `programs.py FOLDER PYTHON`.

Prints the size of each program and that of its zip; for each function the time from spawn to the
first poll and the memory then; and the processor time of calls beside that of Powertools, which
PYTHON can import. It exits non-zero if an aim is missed.
"""

import pathlib
import statistics
import sys
import tempfile
import time
import zipfile

import aims
import calls
from stub import Stub

RUNS = 15
# Each function with its program, its handler and its action. `spans` and `console` are no part of
# the engine: a deployment can have neither.
FUNCTIONS = [
    ("begin", "begin", "begin", ""),
    ("step-http", "steps", "step", "http"),
    ("step-vendor-hold", "steps", "step", "vendor-hold"),
    ("finish", "ends", "finish", ""),
    ("plan", "recovery", "plan", ""),
    ("recover", "recovery", "recover", ""),
    ("ask", "recovery", "ask", ""),
    ("api", "api", "api", ""),
    ("bulk", "api", "bulk", ""),
    ("start", "start", "start", ""),
    ("audit", "stream", "audit", ""),
    # It requests its key from KMS before it polls.
    ("digest", "ends", "digest", ""),
    ("console", "console", "console", ""),
]


def spawn(stub, program, handler, action):
    """Returns the milliseconds from spawn to the first poll, and the resident MiB then."""
    stub.calls = None
    began = time.perf_counter()
    with calls.running(stub, [program], {"_HANDLER": handler, "HOLDFAST_ACTION": action}) as process:
        took = (stub.polled_at - began) * 1000
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return took, resident / 1024


def zipped(program):
    """Returns the bytes of a program's zip."""
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder, "function.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(program, "bootstrap")
        return archive.stat().st_size


def sizes(programs):
    """Prints the sizes of the programs. Returns the megabytes of the largest zip."""
    print("| program | MB | zip, MB |\n|---|---|---|")
    largest = 0
    for program in sorted({programs / name for _, name, _, _ in FUNCTIONS}):
        packed = zipped(program) / 1e6
        print(f"| `{program.name}` | {program.stat().st_size / 1e6:.1f} | {packed:.1f} |")
        largest = max(largest, packed)
    return largest


def starts(stub, programs):
    """Prints how each function starts. Returns the slowest median and the largest memory."""
    print("\n| function | spawn to first poll (median, best) | resident |")
    print("|---|---|---|")
    slowest, largest = 0, 0
    for name, program, handler, action in FUNCTIONS:
        runs = [spawn(stub, programs / program, handler, action) for _ in range(RUNS)]
        times, residents = zip(*runs)
        took, resident = statistics.median(times), statistics.median(residents)
        print(f"| {name} | {took:.1f} ms, {min(times):.1f} ms | {resident:.1f} MiB |")
        slowest, largest = max(slowest, took), max(largest, resident)
    return slowest, largest


def main():
    programs, python = pathlib.Path(sys.argv[1]), sys.argv[2]
    packed = sizes(programs)
    stub = Stub()
    slowest, largest = starts(stub, programs)
    share, first = calls.measure(stub, programs, python)
    measured = [packed, slowest, largest, first, share]
    aims.judge(dict(zip(aims.AIMS, measured)))


if __name__ == "__main__":
    main()
