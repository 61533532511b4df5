"""The pages of a target: values in, HTML out, without anything from elsewhere."""
