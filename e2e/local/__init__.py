"""What runs on the local cluster: operator, stack, two clinics, the faked outside world, and a patient to try it."""
