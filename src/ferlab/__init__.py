"""ferlab: rebuild a paper on facial expression recognition, question it, and trust the answer."""
