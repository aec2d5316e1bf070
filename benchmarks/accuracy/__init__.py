"""COCO keypoint AP of detectors and estimators."""
