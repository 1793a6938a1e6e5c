"""The urban-management hotline 12319: cases of the digital city management platform, classed by item codes."""
