"""Networks and what runs them: model zoo, detector, estimator, refiner, run times."""
