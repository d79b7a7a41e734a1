"""The console's pages about cycles, applications and what becomes of them."""
