"""The environment hotline 12369: reports with several kinds of pollution each."""
