"""The outside world, faked faithfully: a WhatsApp Graph API, a Google Calendar with its token endpoint, OpenAI.

They speak the providers' own wire formats, refuse what the providers refuse, keep what they received and can be told
to fail or to be slow. They share no code with the product, so that a mistake in one cannot hide behind the same
mistake in the other, and need only what the services' image carries anyway. State lives in memory and is bounded.

    python -m fakes graph  --port 8080
    python -m fakes google --port 8080
    python -m fakes openai --port 8080

Whatever a test needs beyond the provider's own interface is under `/_fake/`; the product never calls that.
"""
