"""Training on images: data sets, the pipeline, recipes.

Nothing is imported here: `pipeline` needs TensorFlow, and what reads data
sets or a command line does not.
"""
