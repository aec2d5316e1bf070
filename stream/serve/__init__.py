"""``steadypose serve``: a page to watch cameras, their poses over WebSocket, state and metrics."""
