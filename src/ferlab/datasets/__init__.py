"""How sets of faces come in: the forms that people have, drawn ones for the demo, and what is wrong with them."""
