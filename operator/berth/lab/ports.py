"""Ports that stay one lab's own from their choice to its end, over restarts of the programs that listen on them."""

import socket


def reserve() -> socket.socket:
    """Return a socket that keeps a free loopback port: bound, never listening.

    The programs listen with SO_REUSEPORT too, so they can take the port again and again while nothing else is ever
    given it.
    """
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def number(reserved: socket.socket) -> int:
    """Return the port of a socket."""
    port: int = reserved.getsockname()[1]
    return port
