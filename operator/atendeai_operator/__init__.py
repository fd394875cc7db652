"""The AtendeAI operator: turns AtendeAIStack and Clinic resources into running clinics."""
