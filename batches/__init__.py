"""Ask engines for scores: request lines out, answers in, judged and added up."""
