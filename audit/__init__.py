"""The log of acts and decisions: written in the deed's transaction, chained, append-only, verifiable."""
