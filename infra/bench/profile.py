"""Counts what a step's call runs, for the compiler: `profile.py FOLDER OUT`.

FOLDER has the programs `begin` and `steps`, built with `-Cprofile-generate`. Each process of
`steps` writes its counts into the folder OUT when it ends.
"""

import pathlib
import sys

import calls
from stub import Calls, Stub

WARM = 1500
# Calls of a new process, by TLS.
COLD, PROCESSES = 3, 5


class EndingStub(Stub):
    """A stub that closes the connection after its last event, so that the process ends."""

    ends = False

    def poll(self, transport):
        if not self.ends or self.calls.number < self.calls.count:
            super().poll(transport)
            return
        self.polled.set()
        transport.close()


def count(stub, program, event, number, out, tls=False):
    """Runs a process that answers so many calls, until it has written its counts."""
    stub.calls = Calls(event, number)
    variables = {"_HANDLER": "step", "HOLDFAST_ACTION": "http", "LLVM_PROFILE_FILE": f"{out}/%p.profraw"}
    with calls.running(stub, [program], variables, tls) as process:
        process.wait(60)


def main():
    programs, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    stub = EndingStub()
    calls.begin(stub, programs)
    event = calls.event(stub)
    stub.ends = True
    count(stub, programs / "steps", event, WARM, out)
    for _ in range(PROCESSES):
        count(stub, programs / "steps", event, COLD, out, tls=True)
    written = len(list(out.glob("*.profraw")))
    if written != PROCESSES + 1:
        raise SystemExit(f"{written} of {PROCESSES + 1} processes wrote their counts into {out}")


if __name__ == "__main__":
    main()
