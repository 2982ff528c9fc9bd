"""The one room that runs things: tasks, who runs them, and what keeps them from one another's way."""
