"""Messages in the thread of a waiting round."""
