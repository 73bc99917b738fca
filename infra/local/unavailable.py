"""Prints the log lines of a stack's functions about requests that AWS services did not answer.

`unavailable.py STACK` reads the functions' logs, which end with the stack. A test that fails by
such an answer, 503, does not know the reason. Some tests cause them, which are printed too.
"""

import datetime
import sys

import botocore.config
import botocore.session

MESSAGE = "a dependency does not answer"
# A stack that hangs must not make the report hang.
CONFIG = botocore.config.Config(read_timeout=10, retries={"total_max_attempts": 1})


def main(stack):
    logs = botocore.session.get_session().create_client("logs", config=CONFIG)
    for function in ("api", "start", "bulk", "console"):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{stack}-{function}", filterPattern=f'"{MESSAGE}"'
        )
        for event in (event for page in pages for event in page["events"]):
            # The emulator finds each word of the pattern by itself.
            if MESSAGE in event["message"]:
                time = datetime.datetime.fromtimestamp(event["timestamp"] / 1000).strftime("%H:%M:%S")
                print(f"    {time} {function}: {event['message'].rstrip()}")


if __name__ == "__main__":
    main(sys.argv[1])
