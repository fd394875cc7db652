"""The whatsapp service: the clinic's door to the WhatsApp Cloud API.

Inbound: verify the raw body, store once, answer 200; then hand on to conversation, in order per person, at least once.
Outbound: queue durably, send in order per person through the Graph API, treat each class of error as it asks for.
It owns the tables `whatsapp_*` and knows no other service but by its internal HTTP interface.
"""
