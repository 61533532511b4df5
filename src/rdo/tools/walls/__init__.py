"""The walls around content from strangers: roots, the sandbox, and children that only read."""
