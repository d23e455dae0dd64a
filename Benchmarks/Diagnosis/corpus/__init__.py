"""A corpus of labelled training runs: programs, faults, training, ground truth and labels."""
