"""A pytest plugin and conformance kit for stdio_bus."""
