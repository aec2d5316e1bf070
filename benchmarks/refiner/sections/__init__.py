"""One file for each kind of figure: from a workbench and test data to figures."""
