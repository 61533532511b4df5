"""The pages of a target: values in, HTML out, without scripts or anything from the network."""
