"""Prints the table of README.md: US$ per 1,000 executions, from counted requests and list prices.

The counts are those of docs/performance.md, which `make bench` counts on the local stack. The
prices are list prices of us-east-1 in November 2026, per million unless the name says otherwise.
"""

PRICES = {
    "transition": 25.0,
    "lambda_request": 0.20,
    "lambda_gb_second": 16.67,
    "write": 0.625,
    "read_unit": 0.125,
    "s3_put": 5.0,
    "signature": 15.0,
    "event": 1.0,
    "http_request": 1.0,
    "durable_operation": 8.0,
}
LOG_GB = 0.50
CALL_SECONDS = 0.1
MEMORY_GB = 0.25
LOG_KB_PER_CALL = 1.5
RECEIPTS_PER_KEY = 100
STEPS = (2, 5, 20)


def thousand(**counts):
    """Returns the price of 1,000 executions with these counts each."""
    return sum(PRICES[name] * count for name, count in counts.items()) / 1000


def calls(count, seconds=CALL_SECONDS):
    """Returns the price of Lambda calls of 1,000 executions, each of this many seconds."""
    return thousand(lambda_request=count, lambda_gb_second=count * seconds * MEMORY_GB)


def holdfast(n):
    """Returns the parts of Holdfast's price for n plain steps that succeed, started by the API."""
    return {
        "Step Functions: N + 2 state transitions of a Standard workflow": thousand(transition=n + 2),
        "Lambda: N + 2 calls of 100 ms at 256 MB": calls(n + 2),
        "DynamoDB: 2N + 3 writes, 8 index writes, 4N + 5 read units": thousand(
            write=2 * n + 3 + 8, read_unit=4 * n + 5
        ),
        "S3: one receipt": thousand(s3_put=1),
        "KMS: one signature a process and hour, here 100 receipts": thousand(
            signature=1 / RECEIPTS_PER_KEY
        ),
        "HTTP API and its function": thousand(http_request=1) + calls(1),
        "EventBridge: 2N + 3 audit events": thousand(event=2 * n + 3),
        # The functions `api` and `audit` log too.
        "CloudWatch: about 1.5 KB of logs a call": (n + 4) * LOG_KB_PER_CALL / 1e6 * LOG_GB * 1000,
    }


def row(title, values, bold=False):
    mark = "**" if bold else ""
    print("| " + " | ".join(f"{mark}{cell}{mark}" for cell in [title, *values]) + " |")


def main():
    print("| per 1,000 executions | " + " | ".join(f"N = {n}" for n in STEPS) + " |")
    print("|---" * (len(STEPS) + 1) + "|")
    parts = [holdfast(n) for n in STEPS]
    for title in parts[0]:
        row(title, [f"{part[title]:.3f}" for part in parts])
    row("Holdfast, together", [f"{sum(part.values()):.3f}" for part in parts], bold=True)
    row(
        "Step Functions alone: N state transitions, N calls",
        [f"{thousand(transition=n) + calls(n):.3f}" for n in STEPS],
    )
    row(
        "Lambda durable functions: N + 1 operations, one call of N × 100 ms",
        [f"{thousand(durable_operation=n + 1) + calls(1, n * CALL_SECONDS):.3f}" for n in STEPS],
    )


if __name__ == "__main__":
    main()
