"""What a dead and a fast camera do to the frame age of the others."""
