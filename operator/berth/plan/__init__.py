"""What must be: pure functions from a world to a plan, one file per ECS concept."""
