"""An agent of pydantic-acp over the test model of pydantic-ai, which answers without a network.

It needs the package pydantic-acp. Everything but the choice of the model is the package's.
"""

from __future__ import annotations

from pydantic_acp import run_acp
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

if __name__ == "__main__":
    run_acp(agent=Agent(TestModel()))
