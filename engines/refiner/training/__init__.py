"""Training of the refiner: recipe, loop, validation, calibration. Needs the ``train`` extra."""
