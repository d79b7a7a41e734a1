"""The console's pages about what goes to the engines and what comes back."""
