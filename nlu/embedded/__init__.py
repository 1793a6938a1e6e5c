"""The engine inside the service: NumPy and SciPy to run, scikit-learn only to train."""
