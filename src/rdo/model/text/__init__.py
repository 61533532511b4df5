"""Text from outside, made safe, and text written for people and programs."""
