"""How old a live picture is when its people are known."""
