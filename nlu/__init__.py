"""Chinese text → `Understanding`: categories, corpus, training, and the engines. Knows no channel, no SQL, no HTTP server."""
