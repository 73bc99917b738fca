"""Runs the emulator for the processes of our own user alone; peers.py says why."""

import asyncio
import sys

import peers
from ministack.app import main

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
sys.exit(main())
