"""Where a frame's time goes, beside what the machine could do at most."""
