"""People followed by ``--estimate new`` against ``--estimate always``."""
