"""The image of a small guest: a program that writes it, and the files in it."""
