"""The walls around what strangers wrote: roots, the sandbox, and children that only read."""
