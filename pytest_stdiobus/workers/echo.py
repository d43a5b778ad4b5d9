"""Run the bundled worker `echo`."""

from pytest_stdiobus.workers import run

if __name__ == "__main__":
    run("echo")
