"""Ad-hoc questions to the pipeline: a grid of changed parameters, run through the stages' own functions."""
