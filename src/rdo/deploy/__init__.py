"""Installation of a cloud from a target's packages, as packstack's answer files describe it."""
