"""The parts of report.py."""
