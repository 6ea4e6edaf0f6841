"""Small pictures that a measurement keeps for people to look at."""
