"""An HTML page with plots of what was tracked."""
