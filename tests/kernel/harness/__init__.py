# SPDX-License-Identifier: Apache-2.0
"""Drives a kernel from both ends: raw clients on one side, scripted workers on the other.

Usable without pytest: ``with Rig() as rig: bus = rig.start(); ...``.
"""

from .messages import Message, answer_to, kernel_error, notification, request, result
from .rig import Rig

__all__ = ["Message", "Rig", "answer_to", "kernel_error", "notification", "request", "result"]
