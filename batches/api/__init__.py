"""The routes of this app under /api/v1/."""
