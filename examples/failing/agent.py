"""A worker that needs a package which nobody has installed."""

from __future__ import annotations

import importlib
import sys

sys.stdin.readline()
importlib.import_module("a_package_that_is_missing")
