"""`/crew stats`: numbers about reviews."""
