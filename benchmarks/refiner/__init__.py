"""What a trained refiner is worth: the same people without and with it, on the test split."""
