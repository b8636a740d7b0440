"""Lets everything that comes to a socket vanish before TCP sees it, as if the network had lost it.

By the option that guards against packets from afar (IP_MINTTL, the *generalised TTL security mechanism* of RFC 5082): Linux
drops without a word what comes with fewer hops to live than it says, and nobody but a neighbour who asks for it sends with 255.
Unlike a packet filter (SO_ATTACH_FILTER), which some kernels keep from unprivileged processes, anyone may set it.
Nothing is acknowledged then, and nobody is told: SYNs go unanswered, so that connecting hangs; segments are sent again and
again; keepalives fail. What the socket itself sends goes out as ever.
"""

import socket

_IP_MINTTL = 21  # linux/in.h; Python has no name for it
_MOST = 255  # of a field of 8 bits; systems send with 64 or 128


def set_deaf(of: socket.socket, *, deaf: bool) -> None:
    """What comes to this IPv4 socket vanishes from now on, or arrives again: what has vanished, only if it is sent again.

    What a listener accepts while it is deaf has inherited that. Raises OSError: the socket is closed, or this isn't Linux.
    """
    of.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, _MOST if deaf else 0)
