"""The four upstream platforms, played: for trying a deployment, and for tests, without them."""
