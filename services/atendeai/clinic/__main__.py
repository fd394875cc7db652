"""`python -m atendeai.clinic`: serve."""

from atendeai.kit.start import importing

with importing():
    from atendeai.clinic.app import create_app
    from atendeai.kit.main import run

if __name__ == "__main__":
    run("clinic", create_app)
