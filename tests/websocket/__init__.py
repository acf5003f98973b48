"""The socket as a client sees it, over real servers."""
