"""The parts of ``steadypose bench engines``, a module each."""
