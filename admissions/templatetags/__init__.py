"""What templates of applicants' pages may use."""
