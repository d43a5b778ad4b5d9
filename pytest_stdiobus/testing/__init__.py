"""What stands behind the fixtures: buses for one test, what is recorded of them, and what is done to them."""
