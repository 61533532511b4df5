"""The program that examines and changes a host of a cloud, with that host's Python."""
