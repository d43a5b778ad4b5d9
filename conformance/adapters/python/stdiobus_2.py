# SPDX-License-Identifier: Apache-2.0
"""The adapter of the published Python client, stdiobus 2.x: ``python stdiobus_2.py``."""

from __future__ import annotations
