"""`python -m atendeai.whatsapp`: serve."""

from atendeai.kit.start import importing

with importing():
    from atendeai.kit.main import run
    from atendeai.whatsapp.app import create_app

if __name__ == "__main__":
    run("whatsapp", create_app)
