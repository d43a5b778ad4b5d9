"""What cffi reads of the kernel's public header, for the extension that is built and for libraries that are loaded."""

from __future__ import annotations

import re


def declarations(header: str) -> str:
    """The header's constants, types and functions, without preprocessor and comments."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = re.findall(r"^#define\s+(STDIO_BUS_\w+)\s+\(?(-?\d+)\)?\s*$", text, flags=re.MULTILINE)
    text = re.sub(r"#if(?:n?def)?\s+(?:defined\()?__cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bSTDIO_BUS_API\s+", "", text)
    return "".join(f"#define {name} {value}\n" for name, value in constants) + text


def functions(header: str) -> list[str]:
    """The names of the functions that the header declares."""
    return re.findall(r"^STDIO_BUS_API[^;(]*?(stdio_bus_\w+)\(", header, flags=re.MULTILINE)
