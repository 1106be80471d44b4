"""A bad network to try things on: a proxy on this computer that makes the faults which real networks have.

    async with FaultProxy("http://127.0.0.1:8787", Faults(latency=0.3)) as proxy:
        client = Client(proxy.url)
        await proxy.change(refuse=True)

For tests, and by `python -m tests.faults` for people. It binds to and forwards to this computer only. Both ends are
real; what it does to bytes on the way is what is made up. Not for load: it is one process, and Python.
"""

from tests.faults.plan import Answer, Cut, Faults, Hold
from tests.faults.proxy import FaultProxy, Happening

__all__ = ["Answer", "Cut", "FaultProxy", "Faults", "Happening", "Hold"]
