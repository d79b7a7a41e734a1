"""The console's pages of admissions: one module for each subject, each registering its routes and panels."""
