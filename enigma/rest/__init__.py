"""What every route of the API shares: problems, strict input, pages, preconditions, schema. Imports no app."""
