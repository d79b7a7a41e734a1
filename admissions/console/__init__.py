"""What the console shows of admissions."""
