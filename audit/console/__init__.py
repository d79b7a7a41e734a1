"""What the console shows of both logs: entries, whether they hold, and what leaves the house."""
