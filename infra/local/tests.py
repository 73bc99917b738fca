"""Runs all tests: the stack's test programs one after another, all others beside them.

The stack's tests mostly wait, for the emulator and for time to pass. The others compute, so they
run at the same time and yield the processor. Every test program of the workspace runs.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

# Programs that need the running stack, in this order. Each has it for itself.
STACK = ["features", "integration", "attacks", "injury"]
# Threads of a program, where the number of processors is the wrong number. Eight tests of
# `integration` use the stack at once. The other threads wait: for a turn, or, thirty of them, for
# the stack alone. With fewer threads, those thirty would leave turns unused.
THREADS = {"integration": 64, "attacks": 8}
# The niceness of the programs that compute. At 10, a thread of theirs got so little processor time
# on a busy machine that a limit of five seconds by the clock ended a check of a tenth of a second.
YIELDING = 3
ENDED = re.compile(r"^test (?P<name>\S.*) \.\.\. (?P<outcome>ok|FAILED|ignored)")
PROFILE = os.environ.get("HOLDFAST_PROFILE", "local")
LOGS = pathlib.Path(sys.argv[1])


class Program:
    """One test program: its tests, how many have ended, its log."""

    def __init__(self, artifact):
        self.path = artifact["executable"]
        self.folder = pathlib.Path(artifact["manifest_path"]).parent
        self.name = artifact["target"]["name"]
        self.title = f"{self.folder.name}/{self.name} ({artifact['target']['kind'][0]})"
        self.log = LOGS / f"test-{self.folder.name}-{self.name}-{artifact['target']['kind'][0]}.log"
        self.environment = {
            **os.environ,
            "CARGO": os.environ.get("CARGO", "cargo"),
            "CARGO_MANIFEST_DIR": str(self.folder),
            "CARGO_TERM_COLOR": "never",
            # Half a minute for each target, of which two run at once. `make fuzz` takes longer.
            "FUZZ_SECONDS": os.environ.get("FUZZ_SECONDS", "30"),
        }
        listed = subprocess.run(
            [self.path, "--list", "--format", "terse"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        # A program without the harness counts as one test.
        self.harness = listed.returncode == 0
        self.total = sum(line.endswith(": test") for line in listed.stdout.splitlines()) if self.harness else 1
        self.ended = 0
        self.outcomes = collections.Counter()
        self.seconds = None
        self.failed = False

    def run(self, niceness):
        began = time.monotonic()
        arguments = [self.path]
        if self.name in THREADS:
            arguments += ["--test-threads", str(THREADS[self.name])]
        with self.log.open("w") as log:
            process = subprocess.Popen(
                ["nice", "-n", str(niceness), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            for line in process.stdout:
                ended = ENDED.match(line)
                # The log says when each test ended, so that a slow one is found.
                log.write(f"[{time.monotonic() - began:7.1f}s] {line}" if ended else line)
                log.flush()
                if ended:
                    self.ended += 1
                    self.outcomes[ended["outcome"]] += 1
        self.failed = process.wait() != 0
        if not self.harness:
            self.outcomes["FAILED" if self.failed else "ok"] += 1
        self.ended = self.total
        self.seconds = time.monotonic() - began


def built():
    """The test programs of the workspace, as cargo names them."""
    command = ["cargo", "test", "--locked", "--workspace", "--profile", PROFILE]
    command += ["--no-run", "--message-format", "json"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    messages = (json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{"))
    artifacts = [m for m in messages if m.get("reason") == "compiler-artifact" and m["profile"]["test"]]
    return [Program(artifact) for artifact in artifacts if artifact["executable"]]


def one_after_another(programs, niceness):
    for program in programs:
        program.run(niceness)


def show(programs, began, last):
    ended, total = sum(p.ended for p in programs), sum(p.total for p in programs)
    seconds = int(time.monotonic() - began)
    line = f"    {f'{ended} of {total} tests':<60} {seconds:>3}s"
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="\n" if last else "", flush=True)
    else:
        print(line, flush=True)


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    programs = [program for program in built() if program.total]
    stack = sorted((p for p in programs if p.name in STACK), key=lambda p: STACK.index(p.name))
    missing = set(STACK) - {p.name for p in stack}
    if missing:
        sys.exit(f"error: these test programs were not built: {', '.join(sorted(missing))}")
    others = [p for p in programs if p.name not in STACK]
    threads = [
        threading.Thread(target=one_after_another, args=(stack, 0), daemon=True),
        threading.Thread(target=one_after_another, args=(others, YIELDING), daemon=True),
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    interval = 1 if sys.stdout.isatty() else 10
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(interval / len(threads))
        show(programs, began, last=not any(thread.is_alive() for thread in threads))
    for program in sorted(programs, key=lambda p: -p.seconds):
        print(f"    {program.title:<48} {program.total:>4} tests {program.seconds:>7.1f}s")
    failed = [program for program in programs if program.failed]
    for program in failed:
        text = program.log.read_text()
        # The harness repeats the output of failed tests at the end.
        print(f"\nFAILED: {program.title}\n{text[text.find(chr(10) + 'failures:'):]}")
    outcomes = sum((program.outcomes for program in programs), collections.Counter())
    print(f"{outcomes['ok']} passed, {outcomes['FAILED']} failed, {outcomes['ignored']} skipped")
    if failed:
        sys.exit(f"error: tests failed in {', '.join(p.title for p in failed)}")


if __name__ == "__main__":
    main()
