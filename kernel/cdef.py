"""Write the C source of ``pytest_stdiobus._native``, from the public header alone.

Usage: python cdef.py HEADER OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path

from cffi import FFI

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pytest_stdiobus.declarations import declarations

MODULE = "pytest_stdiobus._native"

CALLBACKS = """
extern "Python" void stdiobus_on_message(stdio_bus_t *, const char *, size_t, void *);
extern "Python" void stdiobus_on_error(stdio_bus_t *, int, const char *, void *);
extern "Python" void stdiobus_on_log(stdio_bus_t *, int, const char *, void *);
"""


def main() -> None:
    """Write the source."""
    header, output = Path(sys.argv[1]), Path(sys.argv[2])
    ffi = FFI()
    ffi.cdef(declarations(header.read_text(encoding="utf-8")) + CALLBACKS)
    ffi.set_source(MODULE, f'#include "{header.name}"')
    ffi.emit_c_code(str(output))


if __name__ == "__main__":
    main()
