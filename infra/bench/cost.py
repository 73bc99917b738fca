"""Prints the tables of docs/cost.md, README.md and docs/comparison.md: US$ per 1,000 executions.

Also prints the ceilings of docs/scale.md. With --check it ends with an error if a page has other
tables, or if an aim is missed.

`holdfast cost` counts what Holdfast asks of AWS, and prices it. alternatives.json has what other
ways to run the same steps cost in addition. Durations, lines of logs and all other prices are those
of `holdfast cost --show-prices`.
"""

import argparse
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / "target/local/holdfast"
HOLDFAST = os.environ.get("HOLDFAST_CLI") or (BUILT if BUILT.exists() else shutil.which("holdfast"))
STEPS = (2, 5, 20)
TIERS = ("standard", "express")
# The most US$ for 1,000 successes of so many steps, by tier.
AIMS = {"standard": (0.125, 0.215, 0.63), "express": (0.025, 0.040, 0.110)}
# The workflows of docs/scale.md on each tier.
SCALE = ("workflows/delay-vendor-payments-acme.yaml", "workflows/hold-vendor-group.yaml")
# The bytes that CloudWatch adds to a line of a log.
LINE = 26

HEAD, STEP = (ROOT / "infra/bench/plain.yaml").read_text().split("steps:\n")
# Steps before the last one are undone when it fails.
UNDONE = """  - name: hold_{n}
    action: vendor-hold
    input: { vendor_id: "{n}", days: 1 }
    rollback: {}
"""


class Project:
    """A folder with one workflow and the prices of the command."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.copy(ROOT / "template.yaml", self.folder)
        (self.folder / "workflows").mkdir()
        self.prices = json.loads(self.holdfast("--show-prices"))

    def holdfast(self, *arguments):
        """Returns what the command prints."""
        command = [HOLDFAST, "cost", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.PIPE).stdout

    def bills(self, steps, tier):
        """Returns the bills of a workflow: `ends` has a success, then a failure at each step."""
        text = f"{HEAD}tier: {tier}\nsteps:\n" + "".join(step.replace("{n}", str(n)) for n, step in enumerate(steps))
        (self.folder / "workflows/bench.yaml").write_text(text)
        return json.loads(self.holdfast("workflows/bench.yaml", "--json"))

    @functools.cache
    def successes(self, n):
        """Returns the bills of N plain steps by tier, which one run of the command has."""
        bills = self.bills([STEP] * n, "standard")
        return {"standard": bills["ends"][0], "express": bills["other_tier"]["end"]}

    def success(self, n, tier):
        return self.successes(n)[tier]

    def failure(self, n, tier):
        """Returns the bill of N steps of which the last fails, so that the others are undone."""
        end = self.bills([UNDONE] * (n - 1) + [STEP], tier)["ends"][-1]
        assert end["status"] == "ROLLED_BACK", end
        return end


class Alternatives:
    """The bills of the other ways, each of the same requests, durations and lines."""

    def __init__(self, prices):
        self.prices = prices
        self.extra = json.loads((ROOT / "infra/bench/alternatives.json").read_text())

    def bill(self, calls=0, longer=1, writes=0, transitions=0, operations=0, requests=0, lines=0):
        """Returns US$ per 1,000. A call lasts `longer` times as long as one step."""
        million, assumed = self.prices["per_million"], self.prices["assumed"]
        gb_seconds = assumed["memory_mb"] / 1024 * assumed["call_ms"] / 1000
        written = operations * self.extra["assumed"]["bytes_written_by_an_operation"]
        return (
            calls * (million["lambda_request"] + million["lambda_gb_second"] * gb_seconds * longer)
            + writes * million["write_unit"]
            + transitions * million["standard_transition"]
            + operations * self.extra["per_million"]["durable_operation"]
            + requests * million["http_request"]
            + lines * (assumed["log_bytes_per_call"] + LINE) / 1000 * self.prices["log_gb"]
            + written / 1000 * self.extra["durable_written_gb"]
        ) / 1000

    def durable(self, steps):
        """One operation for the start, and one for each step. Nothing else."""
        return self.bill(calls=1, longer=steps, operations=steps + 1)

    def durable_with_api(self, steps):
        """A function behind the HTTP API starts it. Each call and each step logs a line."""
        start = self.bill(calls=1, requests=1, lines=2)
        return self.durable(steps) + start + self.bill(lines=steps + 1)

    def powertools(self, steps, ends=0):
        """A Standard state for each step, whose function writes a record before and after.

        The API starts the state machine without a function. A failure deletes the record, which
        costs the same.
        """
        return self.bill(calls=steps, writes=2 * steps, transitions=steps + ends, requests=1, lines=steps + 1)

    def saga(self, steps, ends=2):
        """A Standard state for each step, one that notifies, and the last one."""
        return self.bill(calls=steps, transitions=steps + ends, requests=1, lines=steps + 1)


class Table:
    """A table in Markdown."""

    def __init__(self, title, columns):
        self.lines = []
        self.row(title, columns)
        self.lines.append("|---" * (len(columns) + 1) + "|")

    def row(self, title, values, bold=False):
        mark = "**" if bold else ""
        self.lines.append("| " + " | ".join(f"{mark}{cell}{mark}" for cell in [title, *values]) + " |")

    def placed(self, lines):
        """Returns the lines of a page with this table in place of the one with the same head."""
        begin = lines.index(self.lines[0])
        return replaced(lines, begin, lambda line: line.startswith("|"), self.lines)


class Block:
    """A block of a page that has what the command prints."""

    def __init__(self, lines, number):
        self.lines = lines
        # The number of the block among those with the same head.
        self.number = number

    def placed(self, lines):
        """Returns the lines of a page with this block in place of the one with the same head."""
        begin = [n for n, line in enumerate(lines) if line.split() == self.lines[0].split()][self.number]
        return replaced(lines, begin, lambda line: line != "```", self.lines)


def replaced(lines, begin, inside, new):
    """Returns lines with new ones in place of those from `begin` that are inside."""
    end = next((n for n, line in enumerate(lines) if n > begin and not inside(line)), len(lines))
    return lines[:begin] + new + lines[end:]


def money(values):
    return [f"{value:.3f}" for value in values]


def items(project, tier):
    """Returns the items of a success."""
    bills = [project.success(n, tier) for n in STEPS]
    table = Table(f"1,000 successes, tier {tier}", [f"N = {n}" for n in STEPS])
    for k, item in enumerate(bills[0]["items"]):
        of_n = [bill["items"][k] for bill in bills]
        counts = ", ".join(f"{one['count']:.3g}" for one in of_n)
        table.row(f"{item['service']}: {counts} {item['unit']}", money(one["per_thousand"] for one in of_n))
    table.row("together", money(bill["per_thousand"] for bill in bills), bold=True)
    return table


def comparison(title, bill, others):
    """Returns the bills of both tiers beside those of other ways."""
    table = Table(title, [f"N = {n}" for n in STEPS])
    for tier in TIERS:
        bills = [bill(n, tier)["per_thousand"] for n in STEPS]
        table.row(f"Holdfast, `tier: {tier}`", money(bills), bold=True)
    for name, other in others:
        table.row(name, money(other(n) for n in STEPS))
    return table


def successes(project):
    """Returns the bills of successes."""
    others = Alternatives(project.prices)
    rows = (
        ("durable function, nothing beside it", others.durable),
        ("durable function, with API and log lines", others.durable_with_api),
        ("Standard with Powertools", others.powertools),
        ("saga sample", others.saga),
    )
    return comparison("1,000 successes", project.success, rows)


def failures(project):
    """Returns the bills of failures of the last step: N steps and N - 1 undos."""
    others = Alternatives(project.prices)
    rows = (
        ("durable function, with API and log lines", lambda n: others.durable_with_api(2 * n - 1)),
        ("Standard with Powertools", lambda n: others.powertools(2 * n - 1, ends=1)),
        ("saga sample", lambda n: others.saga(2 * n - 1)),
    )
    return comparison("1,000 failures of the last step", project.failure, rows)


def aims(project):
    """Returns the aims beside the bills, and the aims that are missed."""
    table, missed = Table("tier", ["aim for N = 2, 5, 20", "reached"]), []
    for tier, most in AIMS.items():
        reached = [project.success(n, tier)["per_thousand"] for n in STEPS]
        table.row(f"`{tier}`", [", ".join(f"{value:.3f}" for value in most), ", ".join(f"{value:.4f}" for value in reached)])
        missed += [
            f"tier {tier}, N = {n}: {value:.4f} of {aim}"
            for n, value, aim in zip(STEPS, reached, most, strict=True)
            if value > aim
        ]
    return table, missed


def ceilings():
    """Returns the blocks of docs/scale.md: both tiers, and what is read of many executions."""
    tables = []
    for workflow in SCALE:
        command = [HOLDFAST, "cost", workflow, "--scale", "--rate", "30/s"]
        printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        parts = [[line.rstrip() for line in part.splitlines()] for part in printed.strip().split("\n\n")]
        tables.append([lines for lines in parts if len(lines) > 1])
    [[standard, pages], [_, express, _]] = tables
    return [Block(standard, 0), Block(express, 1), Block(pages, 0)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into their pages")
    parser.add_argument("--check", action="store_true", help="fail if a page has other tables")
    parser.add_argument("--aims", action="store_true", help="fail if an aim is missed")
    arguments = parser.parse_args()
    if not HOLDFAST:
        raise SystemExit("error: no holdfast is on the PATH, and none is built: run make up")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder)
        pages = [(items(project, tier), ["docs/cost.md"]) for tier in TIERS]
        reached, missed = aims(project)
        pages += [(reached, ["docs/cost.md"])]
        pages += [(successes(project), ["README.md", "docs/comparison.md"])]
        pages += [(failures(project), ["docs/comparison.md"])]
    pages += [(block, ["docs/scale.md"]) for block in ceilings()]
    differs = set()
    for table, paths in pages:
        print("\n".join(table.lines) + "\n")
        for path in paths:
            lines = (ROOT / path).read_text().splitlines()
            placed = table.placed(lines)
            if arguments.write:
                (ROOT / path).write_text("\n".join(placed) + "\n")
            elif placed != lines:
                differs.add(path)
    faults = []
    if arguments.check:
        faults += [f"{path} differs: python3 infra/bench/cost.py --write" for path in sorted(differs)]
    if arguments.aims:
        faults += [f"an aim is missed: {one}" for one in missed]
    if faults:
        raise SystemExit("error: " + "\nerror: ".join(faults))


if __name__ == "__main__":
    main()
