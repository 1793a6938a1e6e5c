"""The pages: what citizens, desk, brigades, supervisors and administrators see. What they show comes from the other rooms."""
