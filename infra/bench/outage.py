"""Has S3, then KMS, then the ledger refuse every request for MINUTES at the running stack.

Starts an execution every few seconds before, during and after each outage. Prints how each outage
ended: the accepted and refused starts, their statuses, the seconds from the outage's end to the
last receipt. Fails if an accepted start has no receipt, an effect is there twice or unnamed, or a
start is refused by anything but 503 with Retry-After.
"""

import argparse
import collections
import json
import os
import time
import urllib.error
import uuid

import recovery

SERVICES = ("s3", "kms", "dynamodb")
HOP, VENDOR_SYSTEM = os.environ["HOLDFAST_HOP"], os.environ["HOLDFAST_VENDOR_SYSTEM"]
# The seconds between two starts; and before and after an outage.
BETWEEN_S, AROUND_S = 10, 30


def refuse(service, seconds):
    """Has the hop refuse a service's requests, and returns how many it refused before."""
    return recovery.send(HOP, "GET", f"/_hop/refuse?service={service}&seconds={int(seconds)}")["refused"]


class Start:
    """A start, which is repeated with the same key until the API accepts it."""

    def __init__(self):
        self.vendor = f"outage-{uuid.uuid4()}"
        self.execution = None
        # The status of each refusal, and the time after which the API asks to try again.
        self.refusals = []

    def send(self):
        body = {"input": {"vendor_id": self.vendor, "hold_days": 1}}
        path = f"/v1/workflows/{recovery.WORKFLOW}/executions"
        try:
            answer = recovery.send(recovery.API, "POST", path, body, **{"Idempotency-Key": self.vendor})
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise
            self.refusals.append((error.code, error.headers.get("Retry-After")))
            return
        found = answer["execution_id"]
        if self.execution not in (None, found):
            raise SystemExit(f"error: start {self.vendor} was accepted twice")
        self.execution = found

    def receipt(self):
        """Returns the receipt, once it can be read."""
        try:
            execution = recovery.view(self.execution)
            if not execution.get("receipt"):
                return None
            link = recovery.send(recovery.API, "GET", f"/v1/executions/{self.execution}/receipt")
        except urllib.error.HTTPError:
            return None
        with recovery.urllib.request.urlopen(link["url"]) as answer:
            return execution, json.load(answer)

    def wrong(self, execution, receipt):
        """Returns the promise that the execution broke, if any."""
        effects = recovery.send(VENDOR_SYSTEM, "GET", f"/admin/effects?vendor_id={self.vendor}")["effects"]
        kinds = collections.Counter(effect["kind"] for effect in effects)
        keys = {step["name"]: step["idempotency_key"] for step in execution["steps"]}
        notices = 0
        if key := keys.get("notify_ap_team"):
            found = recovery.send(VENDOR_SYSTEM, "GET", f"/admin/effects?key={key}")["effects"]
            notices = sum(effect["kind"] == "notification_sent" for effect in found)
        placed, released = kinds["hold_placed"], kinds["hold_released"]
        executed = receipt["status"] == "EXECUTED"
        named = {effect["step"] for effect in receipt.get("residual_effects") or []}
        if placed > 1 or released > placed or notices > 1:
            return "an effect happened twice"
        if executed and (placed, released, notices) != (1, 0, 1):
            return "it is not what was executed"
        if not executed and placed > released and "apply_vendor_hold" not in named:
            return "a hold remains and is not named"
        if not executed and notices and "notify_ap_team" not in named:
            return "a notification went out and is not named"
        succeeded = [step for step in execution["steps"] if step["status"] == "SUCCESS"]
        if not executed and any(step["name"] == "notify_ap_team" for step in succeeded):
            return "a success was undone"
        return None


def started_for(seconds):
    """Sends a start every few seconds for a while."""
    starts, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        starts.append(Start())
        starts[-1].send()
        time.sleep(min(BETWEEN_S, max(0, until - time.monotonic())))
    return starts


def through_outage(service, seconds):
    """Runs executions through one outage; returns its row of the table, and what went wrong."""
    before = started_for(AROUND_S)
    # The outage ends by itself if this program does not.
    refuse(service, seconds + 60)
    during = started_for(seconds)
    accepted = sum(start.execution is not None for start in during)
    answers = [refusal for start in during for refusal in start.refusals]
    refused = refuse(service, 0)
    began = time.monotonic()
    starts = before + during + started_for(AROUND_S)
    for start in starts:
        recovery.awaited("an answer to a start", lambda start=start: start.send() or start.execution)
    ends = [recovery.awaited(f"the receipt of {start.execution}", start.receipt) for start in starts]
    took = time.monotonic() - began
    statuses = collections.Counter(receipt["status"] for _, receipt in ends)
    ended = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    kinds = ", ".join(f"{count} × {code}" for code, count in collections.Counter(code for code, _ in answers).items())
    row = f"| {service} | {refused} | {accepted} of {len(during)} | {kinds or 'none'} | {ended} | {took:.0f} |"
    wrong = [(start.execution, start.wrong(*end)) for start, end in zip(starts, ends, strict=True)]
    wrong += [("a refused start", f"it is {code} without Retry-After") for code, after in answers if not after]
    wrong += [("a refused start", f"it is {code} and not 503") for code, _ in answers if code != 503]
    return row, [f"{service}: {execution}: {why}" for execution, why in wrong if why]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=10, help="the length of each outage")
    arguments.add_argument("--service", choices=SERVICES, action="append", help="the services; default: all")
    given = arguments.parse_args()
    failures = []
    print("| service | refused requests | accepted starts meanwhile | refused starts | ends | last receipt after, s |")
    print("|---|---|---|---|---|---|")
    for service in given.service or SERVICES:
        row, wrong = through_outage(service, given.minutes * 60)
        print(row, flush=True)
        failures += wrong
    if failures:
        raise SystemExit("error: " + "\n".join(failures))


if __name__ == "__main__":
    main()
