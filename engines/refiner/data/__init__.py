"""Data of the refiner: loaders, splits, labels, cached estimates, augmented batches."""
