"""The services of AtendeAI, on one kit."""
