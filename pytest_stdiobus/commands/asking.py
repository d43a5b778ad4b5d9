"""What the command line says of the calls that cases make: a prompt of an ACP agent, a tool of an MCP server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import probes
from pytest_stdiobus.kit.catalogue import profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.run import steps_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.options import Options
    from pytest_stdiobus.kit.target import Target

PROMPT, TOOL = "session/prompt", "tools/call"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--prompt", default="", metavar="TEXT", help="what an ACP agent is asked; it must end by itself"
    )
    parser.add_argument(
        "--call",
        default="",
        metavar="NAME='{...}'",
        help="the tool of an MCP server that may be called, and its arguments",
    )


def asked(target: Target, args: argparse.Namespace) -> Target:
    """The target with the calls that the command line gives.

    Raises:
        KitError: they belong to another profile, or cannot be read.
    """
    given = {}
    for option, text, owner in (("--prompt", args.prompt, "acp"), ("--call", args.call, "mcp")):
        if text and args.profile != owner:
            message = f"{option} is for --profile {owner}"
            raise KitError(message)
    if args.prompt:
        given["prompt"] = {"method": PROMPT, "params": {"prompt": [{"type": "text", "text": args.prompt}]}}
    if args.call:
        name, _, text = args.call.partition("=")
        given["call"] = {"method": TOOL, "params": {"name": name, "arguments": _arguments(args.call, text)}}
    return replace(target, probes={**target.probes, **given})


def prompts(cases: Iterable[Case], target: Target, options: Options) -> int:
    """How many prompts a run sends at most; what the agent does not declare is not asked of it."""
    known = {*profile(options.profile).probes, *target.probes}
    played = [(case, steps_of(case, options.profile, options.seed)) for case in cases]
    sent = [step for case, steps in played if probes(steps, case) <= known for step in steps if step.verb == "send"]
    asking = [step for step in sent if isinstance(step.value, dict) and step.value.get("method") == PROMPT]
    return len(asking) * options.repeat


def _arguments(call: str, text: str) -> object:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        arguments = error
    if not isinstance(arguments, dict):
        message = f"--call {call}: expected NAME={{...}}, the tool and its arguments as a JSON object"
        raise KitError(message)
    return arguments
