"""Models and runs looked at while their numbers are moved."""
