"""Runs the emulator for our own user alone, with Express executions as AWS runs them.

peers.py and express.py say why.
"""

import asyncio
import socketserver
import sys

import express
import peers
from ministack.app import main
from ministack.services import stepfunctions

start_server = asyncio.start_server


def start_guarded(connected, *args, **options):
    """Starts a server that ends a connection of another user before it reads of it."""

    async def guarded(reader, writer):
        if peers.served(writer.get_extra_info("socket")):
            await connected(reader, writer)
        else:
            writer.transport.abort()

    return start_server(guarded, *args, **options)


# Hypercorn, which serves the emulator, looks the function up when it starts.
asyncio.start_server = start_guarded
# The runtime API of each function's process is a server of this kind.
socketserver.BaseServer.verify_request = lambda _, request, address: peers.served(request)
express.Express(stepfunctions)
sys.exit(main())
