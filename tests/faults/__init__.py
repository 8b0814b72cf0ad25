"""The fault suite: real engine, real handlers, a scriptable API server, every fault at every place, and oracles."""
