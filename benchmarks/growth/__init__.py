"""What a frame costs by the number of people in it."""
