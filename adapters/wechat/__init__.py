"""A WeChat official account: the messages that its server sends us, and the replies that it understands."""
