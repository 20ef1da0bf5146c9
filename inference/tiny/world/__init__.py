"""A world drawn by a program, with exact knowledge of everything in it."""
