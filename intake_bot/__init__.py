"""The application: settings, the one path of intake, HTTP, the command line. It composes the other rooms."""
