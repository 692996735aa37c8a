"""What people write in the thread of a waiting round."""
