"""Using a classifier: pictures in, classes and probabilities out, from Python and for the command line.

A package of its own beside training, benchmark and explanations, as it is a job of its own: those need a data set with
labels, this one only a model and pictures. What it shares with them, opening any model, lies in the engine below.
"""

from rugged.predict.classifier import Classifier, Guess, Prediction
from rugged.predict.sources import Source, find_pictures
from rugged.predict.stream import Row, predict_files
from rugged.predict.watching import Watched
from rugged.predict.writing import csv_lines, json_lines

__all__ = [
    "Classifier",
    "Guess",
    "Prediction",
    "Row",
    "Source",
    "Watched",
    "csv_lines",
    "find_pictures",
    "json_lines",
    "predict_files",
]
