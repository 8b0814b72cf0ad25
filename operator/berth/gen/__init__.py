"""What is generated: CRDs, RBAC and the reference from the models and the table."""
