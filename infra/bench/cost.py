"""Prints the tables of docs/cost.md, README.md and docs/comparison.md: US$ per 1,000 executions.

`holdfast cost` counts what Holdfast asks of AWS, and prices it. alternatives.json has what other
ways to run the same steps cost in addition. Durations, lines of logs and all other prices are those
of `holdfast cost --show-prices`.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOLDFAST = ROOT / "target/local/holdfast"
STEPS = (2, 5, 20)
TIERS = ("standard", "express")
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

    def ends(self, steps, tier):
        """Returns the bills of a workflow: a success first, then a failure at each step."""
        text = f"{HEAD}tier: {tier}\nsteps:\n" + "".join(step.replace("{n}", str(n)) for n, step in enumerate(steps))
        (self.folder / "workflows/bench.yaml").write_text(text)
        return json.loads(self.holdfast("workflows/bench.yaml", "--json"))["ends"]

    def success(self, n, tier):
        return self.ends([STEP] * n, tier)[0]

    def failure(self, n, tier):
        """Returns the bill of N steps of which the last fails, so that the others are undone."""
        end = self.ends([UNDONE] * (n - 1) + [STEP], tier)[-1]
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
            + lines * (assumed["log_bytes_per_line"] + LINE) / 1000 * self.prices["log_gb"]
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


def row(title, values, bold=False):
    mark = "**" if bold else ""
    print("| " + " | ".join(f"{mark}{cell}{mark}" for cell in [title, *values]) + " |")


def head(title, columns):
    row(title, columns)
    print("|---" * (len(columns) + 1) + "|")


def money(values):
    return [f"{value:.3f}" for value in values]


def items(project):
    """Prints the items of a success by tier."""
    for tier in TIERS:
        bills = [project.success(n, tier) for n in STEPS]
        head(f"1,000 successes, tier {tier}", [f"N = {n}" for n in STEPS])
        for k, item in enumerate(bills[0]["items"]):
            of_n = [bill["items"][k] for bill in bills]
            counts = ", ".join(f"{one['count']:.3g}" for one in of_n)
            row(f"{item['service']}: {counts} {item['unit']}", money(one["per_thousand"] for one in of_n))
        row("together", money(bill["per_thousand"] for bill in bills), bold=True)
        print()


def comparison(project):
    """Prints successes, and failures of the last step, beside other ways to run the same steps."""
    others = Alternatives(project.prices)
    head("1,000 successes", [f"N = {n}" for n in STEPS])
    for tier in TIERS:
        row(f"Holdfast, `tier: {tier}`", money(project.success(n, tier)["per_thousand"] for n in STEPS), bold=True)
    for title, bill in (
        ("durable function, nothing beside it", others.durable),
        ("durable function, with API and log lines", others.durable_with_api),
        ("Standard with Powertools", others.powertools),
        ("saga sample", others.saga),
    ):
        row(title, money(bill(n) for n in STEPS))
    print()
    # N steps and N - 1 undos.
    undone = [(n, 2 * n - 1) for n in STEPS]
    head("1,000 failures of the last step", [f"N = {n}" for n in STEPS])
    for tier in TIERS:
        row(f"Holdfast, `tier: {tier}`", money(project.failure(n, tier)["per_thousand"] for n in STEPS), bold=True)
    row("durable function, with API and log lines", money(others.durable_with_api(k) for _, k in undone))
    row("Standard with Powertools", money(others.powertools(k, ends=1) for _, k in undone))
    row("saga sample", money(others.saga(k) for _, k in undone))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", action="store_true", help="print the tables of docs/comparison.md")
    compare = parser.parse_args().compare
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder)
        comparison(project) if compare else items(project)


if __name__ == "__main__":
    main()
