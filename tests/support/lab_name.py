"""Names for labs that live beside others on one machine."""

import uuid


def lab_name() -> str:
    """One that no other run of the suite takes."""
    return f"test-{uuid.uuid4().hex[:6]}"
