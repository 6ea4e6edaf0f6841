"""What everything else stands on: errors, the catalogue, configuration, files, progress, the environment.

Nothing here imports torch, so every tool that only reads results starts in a blink.
"""
