"""Writing corrupted pictures: in the official layout, in CIFAR-C's, as a pack with one corruption a picture, as a page.

What is written is what ``rugged.corruptions.corrupt`` gives in memory for the same ids, seed and preset, whatever the
number of processes and machines, and whether or not the work was interrupted.
"""
