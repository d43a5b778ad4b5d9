"""Tools for the authors of adapters: is one sound, and does it reach its SDK."""
