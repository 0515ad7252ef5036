"""Live or spoof: classifiers of presentation attacks, and the judgement over them."""
