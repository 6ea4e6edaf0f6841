"""The playground: one picture, a corruption, and what models make of it, live in a browser.

Everything that is shown is made by functions that know nothing of the browser; ``page`` alone imports Gradio.
"""
