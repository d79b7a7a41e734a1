"""The project: settings, leaves that any app may import, and the wiring of URLs."""
