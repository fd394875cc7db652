"""kubectl-atendeai: what an operator of clinics asks, from a shell."""
