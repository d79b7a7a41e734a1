"""The pages of applicants: write an application, check it, hand it in, keep its receipt, change it, take it back."""
