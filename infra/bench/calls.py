"""Measures the processor time of a guarded step's call against a stub that answers at once.

Beside the function `step` runs the same step by Powertools for Python, in Lambda's own runtime
client for Python. A call is all that the process does from one poll to the next: ours sends three
requests to the ledger and one to the target, Powertools two and one.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess

from settings import SETTINGS
from stub import Calls

ROUNDS, WARM_UP, CALLS = 5, 50, 500
# The copies of the controls: COPIES in shared/ledger/src/paused_scopes.rs.
COPIES = 16
EVENTS = pathlib.Path(__file__).parents[2] / "tests/events"


@contextlib.contextmanager
def running(stub, command, variables, tls=False):
    """A process that has polled and got no event, after all of the stub's calls."""
    scheme, address = ("https", stub.tls_address) if tls else ("http", stub.address)
    variables = {
        **SETTINGS,
        "AWS_LAMBDA_RUNTIME_API": stub.address,
        "AWS_ENDPOINT_URL": f"{scheme}://{address}",
        # rustls-native-certs reads the first, botocore the second.
        "SSL_CERT_FILE": stub.trusted,
        "AWS_CA_BUNDLE": stub.trusted,
        "HOLDFAST_HTTP_ALLOW": f"http://{stub.address}",
        "PATH": os.environ["PATH"],
        **variables,
    }
    stub.polled.clear()
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if stub.calls:
            stub.calls.of(process.pid)
        if not stub.polled.wait(60) or stub.error:
            process.kill()
            log = process.stderr.read().decode()[-2000:]
            raise SystemExit(f"{variables.get('_HANDLER', command[-1])} failed: {stub.error or log}")
        yield process
    finally:
        process.kill()
        process.communicate()


def call(stub, command, variables, event, count, tls=False):
    """Returns the milliseconds of processor time of each of so many calls in a new process."""
    stub.calls = Calls(event, count)
    with running(stub, command, variables, tls):
        return stub.calls.each()


@contextlib.contextmanager
def placed(stub, one_core):
    """Pins the stub to a core, and new processes to the same one or to another.

    A core that they share never sleeps, so that the stub answers at once. On two cores, that of the
    process sleeps while it waits. Decision 0157 says which placement is judged.
    """
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise SystemExit("this process may use one core, and the measurement needs two")
    try:
        stub.pin({min(cores)})
        os.sched_setaffinity(0, {min(cores) if one_core else max(cores)})
        yield
    finally:
        stub.pin(cores)
        os.sched_setaffinity(0, cores)


def warm(stub, command, variables, event):
    """Returns a warm call's mean milliseconds of processor time."""
    return statistics.mean(call(stub, command, variables, event, WARM_UP + CALLS)[WARM_UP:])


def event(stub):
    """The event of a step that calls the stub."""
    read = json.loads((EVENTS / "step-http.json").read_text())
    read["input"]["url"] = f"http://{stub.address}/notifications"
    return read


def begin(stub, programs):
    """Writes what a step reads: copies of the controls, and by `begin` the execution record."""
    tenant = {"rev": {"N": "1"}, "tenant": {"S": "acme"}, "state": {"S": "open"}, "by": {"S": "bench"}}
    stub.items["TENANTS", "acme"] = tenant | {"at": {"S": "2026-01-01T09:00:00Z"}}
    # Copies of the controls that show that no scope is paused, as the sweep keeps them.
    copy = {"rev": {"N": "1"}, "scopes": {"L": []}, "sk": {"S": "META"}}
    copy |= {"from": {"S": "2026-01-01T09:00:00Z"}, "until": {"S": "2126-01-01T09:00:00Z"}}
    for number in range(COPIES):
        stub.items[f"CONTROL#COPY#{number:02}", "META"] = copy | {"pk": {"S": f"CONTROL#COPY#{number:02}"}}
    call(stub, [programs / "begin"], {"_HANDLER": "begin"}, json.loads((EVENTS / "begin.json").read_text()), 1)


def measure(stub, programs, python):
    """Prints the processor time of a step's call by both, each the median of some rounds.

    Returns ours on one core as a share of Powertools', and the milliseconds of a first request by
    TLS.
    """
    begin(stub, programs)
    sent = event(stub)
    runs = {
        "Holdfast": ([programs / "steps"], {"_HANDLER": "step", "HOLDFAST_ACTION": "http"}),
        "Powertools": (
            [python, "-m", "awslambdaric", "powertools_step.handler"],
            {"PYTHONPATH": str(pathlib.Path(__file__).parent), "POWERTOOLS_SERVICE_NAME": "bench"},
        ),
    }
    one_core, two_cores, cold = ({name: [] for name in runs} for _ in range(3))
    for _ in range(ROUNDS):
        for shared, measured in [(True, one_core), (False, two_cores)]:
            with placed(stub, shared):
                for name, run in runs.items():
                    measured[name].append(warm(stub, *run, sent))
        for name, run in runs.items():
            cold[name] += call(stub, *run, sent, 1, tls=True)
    print("\n| a guarded step's call | one core, ms | two cores, ms | requests | first call, by TLS |")
    print("|---|---|---|---|---|")
    for name, requests in [("Holdfast", "3 + 1"), ("Powertools", "2 + 1")]:
        times = [f"{statistics.median(measured[name]):.2f}" for measured in (one_core, two_cores)]
        print(f"| {name} | {' | '.join(times)} | {requests} | {statistics.median(cold[name]):.1f} ms |")
    shares = [share(measured) for measured in (one_core, two_cores)]
    print("| Holdfast beside Powertools | {:.3f} | {:.3f} | | |".format(*shares))
    # A check reads one item, and does nothing else.
    check = ([programs / "recovery"], {"_HANDLER": "plan"}, {"check": True}, 1, True)
    return shares[0], statistics.median(call(stub, *check)[0] for _ in range(ROUNDS))


def share(measured):
    """Returns the median of our time as a share of theirs in the same round."""
    return statistics.median(ours / theirs for ours, theirs in zip(*measured.values()))
