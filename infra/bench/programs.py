"""Measures the program of the functions: `programs.py PROGRAM PYTHON`.

Prints its size and that of its zip; for each function the time from spawn to the first poll and the
memory then; and the processor time of calls beside that of Powertools, which PYTHON can import. It
exits non-zero if an aim is missed.
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
FUNCTIONS = [
    ("begin", "begin", ""),
    ("step-http", "step", "http"),
    ("step-vendor-hold", "step", "vendor-hold"),
    ("finish", "finish", ""),
    ("plan", "plan", ""),
    ("recover", "recover", ""),
    ("ask", "ask", ""),
    ("api", "api", ""),
    ("bulk", "bulk", ""),
    ("audit", "audit", ""),
    # It requests its key from KMS before it polls.
    ("digest", "digest", ""),
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


def starts(stub, program):
    """Prints how each function starts. Returns the slowest median and the largest memory."""
    print("| function | spawn to first poll (median, best) | resident |")
    print("|---|---|---|")
    slowest, largest = 0, 0
    for name, handler, action in FUNCTIONS:
        times, sizes = zip(*(spawn(stub, program, handler, action) for _ in range(RUNS)))
        took, resident = statistics.median(times), statistics.median(sizes)
        print(f"| {name} | {took:.1f} ms, {min(times):.1f} ms | {resident:.1f} MiB |")
        slowest, largest = max(slowest, took), max(largest, resident)
    return slowest, largest


def main():
    program, python = sys.argv[1:]
    size, packed = pathlib.Path(program).stat().st_size / 1e6, zipped(program) / 1e6
    print(f"The program has {size:.1f} MB, its zip {packed:.1f} MB.\n")
    stub = Stub()
    slowest, largest = starts(stub, program)
    share, first = calls.measure(stub, program, python)
    measured = [packed, slowest, largest, first, share]
    aims.judge(dict(zip(aims.AIMS, measured)))


if __name__ == "__main__":
    main()
