# SPDX-License-Identifier: Apache-2.0
"""A process that hosts a stdio_bus library: like a kernel on stdio, or calling the API as it is told.

Started as ``python -S embedding.py LIBRARY --config FILE --stdio`` it looks like a kernel; with ``--control SOCKET --workers
SOCKET --unix PATH`` in place of ``--stdio`` it takes orders (`embedding_orders`). With ``--version`` it prints that of the
library and ends.
"""

import sys

from embedding_api import Library, NoLibraryError
from embedding_host import Host

_USAGE = (
    "usage: python -S embedding.py LIBRARY [--version | --config FILE --stdio | --config FILE --control SOCKET ...]\n"
)


def main(words: "list[str]") -> int:
    """Host a library as the command line says it; the status to end with."""
    library, options = _library(words), words[1:]
    if library is None:
        return 2
    if options == ["--version"]:
        sys.stdout.write(f"{library.version}\n")
        return 0
    if options[:1] == ["--config"] and options[2:] == ["--stdio"]:
        host = Host(library, options[1])
        status = host.start()
        if status == 0:
            host.serve()
        return status
    if "--control" not in options:
        sys.stderr.write(_USAGE)
        return 2
    from embedding_orders import ObedientHost  # noqa: PLC0415 - takes as long as all the rest

    named = dict(zip(options[::2], options[1::2], strict=True))
    ObedientHost(library, *(named[name] for name in ("--config", "--control", "--workers", "--unix"))).serve()
    return 0


def _library(words: "list[str]") -> "Library | None":
    try:
        return Library(words[0])
    except IndexError:
        sys.stderr.write(_USAGE)
    except NoLibraryError as error:
        sys.stderr.write(f"{error}\n")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
