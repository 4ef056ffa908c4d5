"""Labels: from whatever form they come in to a table of classes and samples."""
