"""Berth: Amazon ECS's resources on any Kubernetes cluster."""
