"""What the console shows of evaluations and batches; one module for each subject."""
