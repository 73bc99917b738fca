"""Prints the requests that a stack's functions answered with 503, with the time and the reason.

`unavailable.py STACK` reads the functions' logs, which end with the stack. A test that fails by
such an answer does not know the reason. Some tests cause such answers, which are printed too.
"""

import datetime
import sys

import botocore.session

MESSAGE = "a dependency does not answer"


def main(stack):
    logs = botocore.session.get_session().create_client("logs")
    for function in ("api", "start", "console"):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{stack}-{function}", filterPattern=f'"{MESSAGE}"'
        )
        for event in (event for page in pages for event in page["events"]):
            time = datetime.datetime.fromtimestamp(event["timestamp"] / 1000).strftime("%H:%M:%S")
            print(f"    {time} {function}:{event['message'].partition(MESSAGE)[2].rstrip()}")


if __name__ == "__main__":
    main(sys.argv[1])
