"""Runs the emulator for our own user alone, with Express executions as AWS runs them.

peers.py and express.py say why. It also matches a slash at the end of a path as AWS does, logs all
that a function wrote before its answer, and parses an expression of DynamoDB once.
"""

import asyncio
import fcntl
import functools
import socketserver
import struct
import sys
import termios
import time

import express
import peers
from ministack.app import main
from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import apigateway, dynamodb, stepfunctions

start_server = asyncio.start_server


def start_guarded(connected, *args, **options):
    """Starts a server that ends a connection of another user before it reads of it."""

    async def guarded(reader, writer):
        if peers.served(writer.get_extra_info("socket")):
            await connected(reader, writer)
        else:
            writer.transport.abort()

    return start_server(guarded, *args, **options)


path_parameters = apigateway._extract_path_params


def with_slash(route, path):
    """The parameters of a path; a greedy one also matches nothing behind its slash.

    An HTTP API refuses a route whose own path ends in a slash, and its greedy variable serves
    requests for it: github.com/storacha/w3infra/pull/166.
    """
    found = path_parameters(route, path)
    parent, greedy, name = route.rpartition("/{")
    if found is None and greedy and name.endswith("+}") and path == parent + "/":
        return {name.removesuffix("+}"): ""}
    return found


# Longest wait for the thread that reads what a function writes, in seconds.
READ_WITHIN = 5
drain = ProvidedWorker._drain_stderr_bounded


def drain_read(worker, *args, **options):
    """Drains the log once what the function wrote has been read.

    The emulator waits 50 ms for the first line. If its reading thread gets no processor meanwhile,
    the line would be logged by the next call of this process, which may never come.
    """
    until = time.monotonic() + READ_WITHIN
    while unread(worker._proc) and time.monotonic() < until:
        time.sleep(0.001)
    return drain(worker, *args, **options)


def unread(process):
    """The bytes that a process has written and that were not read."""
    try:
        return struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4)))[0]
    except (AttributeError, OSError, ValueError):
        # It has ended, and its pipe is closed.
        return 0


def cached_check(check):
    """A check of an expression's tokens that remembers what it found."""
    cached = functools.lru_cache(1024)(check)
    return lambda tokens, *args: cached(tuple(tokens), *args)


# The emulator parses an expression again for each item of a query, in the one thread that answers
# every request: a list of some hundred executions stopped the whole stack for over a second.
tokenize = dynamodb._tokenize
dynamodb._tokenize = functools.lru_cache(1024)(lambda expression: tuple(tokenize(expression)))
dynamodb._condition_syntax_error = functools.lru_cache(1024)(dynamodb._condition_syntax_error)
dynamodb._check_redundant_parens = cached_check(dynamodb._check_redundant_parens)
dynamodb._check_reserved_keyword_usage = cached_check(dynamodb._check_reserved_keyword_usage)
apigateway._extract_path_params = with_slash
ProvidedWorker._drain_stderr_bounded = drain_read
# Hypercorn, which serves the emulator, looks the function up when it starts.
asyncio.start_server = start_guarded
# The runtime API of each function's process is a server of this kind.
socketserver.BaseServer.verify_request = lambda _, request, address: peers.served(request)
express.Express(stepfunctions)
sys.exit(main())
