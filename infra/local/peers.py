"""The user at the other end of a loopback connection, as the kernel names it (sock_diag(7)).

The emulator accepts any credentials and runs code as its own user. So it and the hop serve the
processes of that user alone, and those of root.
"""

import os
import socket
import struct

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLMSG_ERROR = 4, 20, 1, 2
# linux/inet_diag.h: inet_diag_req_v2 and inet_diag_msg, each with the addresses of one socket.
REQUEST = "=BBBxI 2s2s 16s16s I8s"
ANSWER = "=BBBB 2s2s 16s16s I8s IIIII"
HEADER = "=IHHII"
NO_COOKIE = b"\xff" * 8


def user(connection):
    """The user who opened the connection, or None if the kernel does not know it any more."""
    there, here = connection.getpeername(), connection.getsockname()
    ends = [struct.pack("!H", end[1]) for end in (there, here)]
    addresses = [socket.inet_aton(end[0]).ljust(16, b"\0") for end in (there, here)]
    asked = struct.pack(REQUEST, socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF, *ends, *addresses, 0, NO_COOKIE)
    size = struct.calcsize(HEADER)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(struct.pack(HEADER, size + len(asked), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0) + asked)
        answer = kernel.recv(4096)
    if struct.unpack_from(HEADER, answer)[1] == NLMSG_ERROR:
        return None
    return struct.unpack_from(ANSWER, answer, size)[-2]


def known():
    """True if the kernel names the user of a connection; some lack the module for it."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        with server.accept()[0] as connection:
            return user(connection) == os.getuid()


KNOWN = known()
if not KNOWN:
    print("WARNING: the kernel does not name the users of connections, so that every user is served", flush=True)


def served(connection):
    """True if a process of our own user, or of root, opened the connection."""
    return not KNOWN or user(connection) in (os.getuid(), 0)
