"""The pages of a target: values in, HTML out; without scripts and without anything from afar."""
