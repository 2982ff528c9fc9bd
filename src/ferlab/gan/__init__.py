"""Generative adversarial networks: a family is data, and one loop trains them all."""
