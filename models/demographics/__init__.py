"""How old a face looks, and which gender it reads as."""
