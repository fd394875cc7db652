// Storing messages once, with the services' own statements.
import { randomUUID } from "node:crypto";

const MOBILE = /^55(\d\d)9?([6-9]\d{7})$/;

function numberKey(number) {
  const digits = number.replace(/\D/g, "");
  const match = MOBILE.exec(digits);
  return match ? `55${match[1]}${match[2]}` : digits;
}

export function ingest(sql) {
  return async (client, clinic, messages) => {
    const now = new Date().toISOString();
    const keys = messages.map(({ message }) => numberKey(message.from));
    const known = await client.query(sql.meet, [clinic.id, [...new Set(keys)].sort(), []]);
    const people = new Map(known.rows.map((row) => [row.number_key, { id: row.id, fresh: false }]));
    const rows = messages.map(({ message, position, contacts }, index) => {
      const key = keys[index];
      let person = people.get(key);
      if (!person) people.set(key, (person = { id: randomUUID(), fresh: true }));
      const profile = contacts.find((contact) => contact.wa_id === message.from) ?? contacts[0];
      const at = new Date(Number(message.timestamp) * 1000).toISOString();
      return {
        id: randomUUID(),
        wamid: message.id,
        contact_id: person.id,
        fresh: person.fresh,
        wa_id: message.from,
        number_key: key,
        user_id: null,
        name: profile?.profile?.name ?? null,
        kind: message.type,
        text: message.text?.body ?? "",
        reply_id: null,
        context_wamid: message.context?.id ?? null,
        content: message,
        sent_at: at < now ? at : now,
        window_at: at < now ? at : now,
        position,
      };
    });
    await client.query(sql.store, [clinic.id, now, "whatsapp.inbound", JSON.stringify(rows)]);
  };
}
