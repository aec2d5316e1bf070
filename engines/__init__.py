"""Networks and what runs them: model zoo, detector, estimator, CPU run times."""
