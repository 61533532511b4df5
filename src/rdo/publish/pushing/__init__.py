"""Push repositories of a tree to places outside, and list these in mirror lists."""
