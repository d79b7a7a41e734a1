"""The pages that applicants and the public read."""
