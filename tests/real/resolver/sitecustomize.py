"""Python that resolves the Service of the Sentinels as a cluster does: to any of them (RESOLVE: name, addresses)."""

import os
import random
import socket

_resolve = socket.getaddrinfo
_service, *_addresses = os.environ["RESOLVE"].split()


def _getaddrinfo(host, *rest, **more):  # type: ignore[no-untyped-def]
    return _resolve(random.choice(_addresses) if host == _service else host, *rest, **more)


socket.getaddrinfo = _getaddrinfo
