"""What stands behind the fixtures: buses for one test, what is recorded of them, and what is done to them."""

from pytest_stdiobus.testing.direct import DirectWorker
from pytest_stdiobus.testing.factory import BusFactory, echo_pool
from pytest_stdiobus.testing.faults import Faults
from pytest_stdiobus.testing.orphans import OrphanError
from pytest_stdiobus.testing.wire import Wire, WireEntry

__all__ = ["BusFactory", "DirectWorker", "Faults", "OrphanError", "Wire", "WireEntry", "echo_pool"]
