"""The benchmark: speed and cost of the operator on a real API server, against a floor of the same run."""
