"""Augmentations: each a plain function from a batch of pictures to another, drawn anew for every picture."""
