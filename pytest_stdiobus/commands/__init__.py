"""The commands of ``stdiobus-conformance``, one in each module."""
