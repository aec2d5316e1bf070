"""What the tracker costs a frame, and how that grows with the number of people."""
