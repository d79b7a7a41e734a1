"""People: users, staff roles and staff sessions, and who is acting."""
