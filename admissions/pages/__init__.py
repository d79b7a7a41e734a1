"""The pages of applicants and of the public: hand an application in, follow it, read what came of it, check it."""
