"""Making it so: the only asynchronous code. It knows no ECS word."""
