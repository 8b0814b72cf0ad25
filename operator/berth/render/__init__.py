"""What the operator would make of manifests, without a cluster: the same table and the same plans."""
