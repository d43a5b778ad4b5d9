"""Write the C source of ``pytest_stdiobus._native``, from the public header alone.

Usage: python cdef.py HEADER OUTPUT
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cffi import FFI

MODULE = "pytest_stdiobus._native"

CALLBACKS = """
extern "Python" void stdiobus_on_message(stdio_bus_t *, const char *, size_t, void *);
extern "Python" void stdiobus_on_error(stdio_bus_t *, int, const char *, void *);
extern "Python" void stdiobus_on_log(stdio_bus_t *, int, const char *, void *);
"""


def declarations(header: str) -> str:
    """What cffi reads of the header: constants, types and functions, without preprocessor and comments."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = re.findall(r"^#define\s+(STDIO_BUS_\w+)\s+(?:\(?-?\d+\)?)\s*$", text, flags=re.MULTILINE)
    text = re.sub(r"#if(?:n?def)?\s+(?:defined\()?__cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bSTDIO_BUS_API\s+", "", text)
    return "".join(f"#define {name} ...\n" for name in constants) + text


def main() -> None:
    """Write the source."""
    header, output = Path(sys.argv[1]), Path(sys.argv[2])
    ffi = FFI()
    ffi.cdef(declarations(header.read_text(encoding="utf-8")) + CALLBACKS)
    ffi.set_source(MODULE, f'#include "{header.name}"')
    ffi.emit_c_code(str(output))


if __name__ == "__main__":
    main()
