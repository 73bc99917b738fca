"""Times the API's routes at the running stack.

Prints median, 99th percentile, and each median as a multiple of the fastest route's.
"""

import json
import os
import statistics
import time
import urllib.request
import uuid

REQUESTS = 60
WORKFLOW = "WF-HOLD-VENDOR-GROUP"
API = os.environ["HOLDFAST_API"]


def send(method, path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["HOLDFAST_TOKEN"], "Content-Type": "application/json"}
    if method == "POST":
        headers["Idempotency-Key"] = str(uuid.uuid4())
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def start():
    body = {"input": {"group": "bench", "hold_days": 1, "vendors": [{"id": "bench-api"}]}}
    return send("POST", f"/v1/workflows/{WORKFLOW}/executions", body)["execution_id"]


def finished():
    """Starts an execution and returns its id once it has a receipt."""
    execution = start()
    while send("GET", f"/v1/executions/{execution}?workflow_id={WORKFLOW}").get("receipt") is None:
        time.sleep(0.2)
    return execution


def timed(ask):
    ask()
    took = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return statistics.median(took), took[int(len(took) * 0.99)]


def main():
    execution = finished()
    reads = [
        "/v1/keys",
        "/v1/workflows",
        f"/v1/workflows/{WORKFLOW}",
        "/v1/executions",
        f"/v1/executions?workflow_id={WORKFLOW}",
        "/v1/executions?status=EXECUTED",
        f"/v1/executions/{execution}",
        f"/v1/executions/{execution}/events",
        f"/v1/executions/{execution}/receipt",
        "/v1/receipts",
        "/v1/incidents",
    ]
    rows = {f"GET {path}".replace(execution, "{id}"): timed(lambda path=path: send("GET", path)) for path in reads}
    rows["POST a start"] = timed(start)
    fastest = min(median for median, _ in rows.values())
    print("| request | median ms | p99 ms | median beside the fastest |\n|---|---|---|---|")
    for row, (median, p99) in rows.items():
        print(f"| {row} | {median:.1f} | {p99:.1f} | {median / fastest:.1f} |")


if __name__ == "__main__":
    main()
