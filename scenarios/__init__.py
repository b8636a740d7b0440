"""One file a question; each is also a plain locustfile."""
