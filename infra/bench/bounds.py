"""Measures admission checks at the memory and the processor share of a function.

    cargo test --locked --release -p holdfast-tests --test fuzz --no-run
    infra/bench/bounds.py PROGRAM          # the path that cargo prints

Needs root and control groups of version 1 or 2.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Memory of a function (template.yaml), and its share of a processor. 1,769 MB have one.
# Source: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html.
MEMORY_MB = 256
SHARE = MEMORY_MB / 1769
PERIOD_US = 20_000
NAME = f"holdfast-bounds-{os.getpid()}"


def groups() -> list[tuple[Path, dict[str, str]]]:
    """The control groups to make, each with its limits."""
    root = Path("/sys/fs/cgroup")
    quota, memory = str(int(PERIOD_US * SHARE)), str(MEMORY_MB << 20)
    if (root / "cgroup.controllers").exists():
        limits = {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": memory}
        return [(root / NAME, limits)]
    processor = {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota}
    return [
        (root / "cpu" / NAME, processor),
        (root / "memory" / NAME, {"memory.limit_in_bytes": memory}),
    ]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    made = groups()
    try:
        for folder, limits in made:
            folder.mkdir()
            for name, value in limits.items():
                (folder / name).write_text(value)

        def enter() -> None:
            for folder, _ in made:
                (folder / "cgroup.procs").write_text(str(os.getpid()))

        test = "bounds::no_accepted_definition_makes_a_start_exceed_its_bounds"
        command = [sys.argv[1], "--exact", test, "--nocapture"]
        environment = os.environ | {"HOLDFAST_BOUNDS": "all"}
        # The test starts a process for each start, and they share the group.
        return subprocess.run(command, env=environment, preexec_fn=enter).returncode
    finally:
        for folder, _ in made:
            for pid in (folder / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.5)
        for folder, _ in made:
            folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
