"""What people already have in ECS's words -> manifests, with a word about every field. Pure: text in, objects out."""
