"""How right a detector is about the labelled runs of the corpus."""
