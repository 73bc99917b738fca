"""Prints the table of README.md: US$ per 1,000 executions that succeed, beside other services.

`holdfast cost` counts the requests and prices them. The durations and prices of its file hold for
the other services too.
"""

import json
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOLDFAST = ROOT / "target/local/holdfast"
STEPS = (2, 5, 20)
# An operation of a durable function: aws.amazon.com/lambda/pricing.
DURABLE_OPERATION = 8.0

WORKFLOW = "workflow: WF-BENCH\nversion: 1\ninput: {{ type: object }}\nsteps:\n{}"
STEP = """  - name: notify_{n}
    action: http
    input:
      method: POST
      url: "${{VendorSystemUrl}}/notifications"
      body: {{ team: t, message: "{n}" }}
    irreversible: true
"""


def holdfast(*arguments, folder):
    """Returns what the command prints."""
    command = [HOLDFAST, "cost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout


def bills():
    """Returns the items of the bill of N plain steps, by N, and the prices."""
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        shutil.copy(ROOT / "template.yaml", project)
        (project / "workflows").mkdir()
        prices = json.loads(holdfast("--show-prices", folder=project))
        items = {}
        for n in STEPS:
            text = WORKFLOW.format("".join(STEP.format(n=i) for i in range(n)))
            (project / "workflows/bench.yaml").write_text(text)
            bill = json.loads(holdfast("workflows/bench.yaml", "--json", folder=project))
            items[n] = bill["ends"][0]["items"]
        return items, prices


def row(title, values, bold=False):
    mark = "**" if bold else ""
    print("| " + " | ".join(f"{mark}{cell}{mark}" for cell in [title, *values]) + " |")


def main():
    items, prices = bills()
    million, assumed = prices["per_million"], prices["assumed"]
    seconds, gigabytes = assumed["call_ms"] / 1000, assumed["memory_mb"] / 1024

    def calls(count, longer=1):
        """Returns the price of 1,000 times so many calls, each `longer` times as long."""
        per_call = million["lambda_request"] + million["lambda_gb_second"] * gigabytes * seconds * longer
        return count * per_call / 1000

    print("| per 1,000 executions | " + " | ".join(f"N = {n}" for n in STEPS) + " |")
    print("|---" * (len(STEPS) + 1) + "|")
    for k, item in enumerate(items[STEPS[0]]):
        counts = ", ".join(f"{items[n][k]['count']:g}" for n in STEPS)
        title = f"{item['service']}: {counts} {item['unit']}"
        row(title, [f"{items[n][k]['per_thousand']:.3f}" for n in STEPS])
    row("Holdfast, together", [f"{sum(i['per_thousand'] for i in items[n]):.3f}" for n in STEPS], bold=True)
    row(
        "Step Functions alone: N state transitions, N calls",
        [f"{million['standard_transition'] * n / 1000 + calls(n):.3f}" for n in STEPS],
    )
    row(
        "Lambda durable functions: N + 1 operations, one call of N × 100 ms",
        [f"{DURABLE_OPERATION * (n + 1) / 1000 + calls(1, n):.3f}" for n in STEPS],
    )


if __name__ == "__main__":
    main()
