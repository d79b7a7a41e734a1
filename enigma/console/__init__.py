"""What the pages of the console share, whichever app they belong to: tables, pages, panels, navigation."""
