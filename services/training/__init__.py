"""How the classifier of intents is trained: the project's own phrases, and the step that turns them into weights."""
