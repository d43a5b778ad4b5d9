"""Run the bundled worker `stream`."""

from pytest_stdiobus.workers import run

if __name__ == "__main__":
    run("stream")
