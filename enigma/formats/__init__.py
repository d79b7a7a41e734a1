"""How the languages of the pages write dates and numbers, where Django says nothing or writes them otherwise."""
