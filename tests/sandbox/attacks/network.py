"""Attempts to reach anything by a socket."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Reach
from tests.sandbox.attacks.controls import only_root

NETWORK = (
    Reach(
        "reach a server by TCP",
        "socket.create_connection(('127.0.0.1', <port>), 2).close()",
        proof="the network listener",
    ),
    Reach(
        "send a datagram by UDP",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto("
        "b'<mark>', ('127.0.0.1', <udp_port>))",
        proof="the datagram listener",
    ),
    Reach(
        "carry data out in the name that a DNS query asks for",
        "parts = b'<mark>.example.org'.split(b'.')\n"
        "name = b''.join(bytes([len(part)]) + part for part in parts) + bytes(1)\n"
        "query = bytes([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + name + bytes([0, 1, 0, 1])\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto("
        "query, ('127.0.0.1', <udp_port>))",
        proof="the datagram listener",
    ),
    Reach(
        "resolve a name",
        "socket.getaddrinfo('example.org', 80)\nworked = True",
        no_control="it would ask a server outside, which tests never do",
    ),
    Reach(
        "open a raw socket",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()\nworked = True",
        control_needs=only_root,
    ),
    Reach(
        "listen to the packets of an interface",
        "socket.socket(17, socket.SOCK_RAW, 0x300).close()\nworked = True",
        control_needs=only_root,
    ),
    Reach(
        "open a netlink socket",
        "socket.socket(16, socket.SOCK_RAW).close()\nworked = True",
    ),
    Reach("open a vsock", "socket.socket(40, socket.SOCK_STREAM).close()\nworked = True"),
    Reach(
        "use the kernel's ciphers through a socket",
        "socket.socket(38, socket.SOCK_SEQPACKET).close()\nworked = True",
    ),
    Reach(
        "reach an abstract socket",
        "socket.socket(socket.AF_UNIX).connect('\\x00<mark>')",
        proof="the abstract socket",
    ),
    Reach(
        "reach a socket in a folder",
        "socket.socket(socket.AF_UNIX).connect('<address>')",
        proof="the named socket",
    ),
)
