"""What the console shows of cycles and applications: tables, pages, panels; one module for each subject."""
