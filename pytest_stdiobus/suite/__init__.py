"""The packaged cases as pytest items: ``pytest --pyargs pytest_stdiobus.suite --stdiobus-worker='python my_agent.py'``."""
