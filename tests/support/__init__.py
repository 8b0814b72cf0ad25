"""What several tests use: golden worlds, the cluster fixture, waiting."""
