"""Records as tables, sentences and plots in documents."""
