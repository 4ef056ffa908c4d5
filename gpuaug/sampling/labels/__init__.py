"""Labels: reads them in any accepted form and makes a table of classes and samples."""
