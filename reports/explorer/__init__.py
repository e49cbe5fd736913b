"""The page on which a model or a run is explored, and the server that brings it to a browser of the same machine."""
