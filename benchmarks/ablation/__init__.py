"""What each part of the pipeline costs and is worth, by leaving it out."""
