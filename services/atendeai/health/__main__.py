"""`python -m atendeai.health`: serve."""

from atendeai.kit.start import importing

with importing():
    from atendeai.health.app import create_app
    from atendeai.health.settings import HealthSettings
    from atendeai.kit.main import run

if __name__ == "__main__":
    run("health", create_app, HealthSettings)
