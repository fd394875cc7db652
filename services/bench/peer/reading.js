// A tenant read: token, limit, row security, a day's appointments, and a line in the audit log.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import Redis from "ioredis";

// What the services count with, in one script: a window of a minute and one of an hour, sliding.
const LIMIT = `
local second = tonumber(ARGV[5])
local left = -1
for i = 1, 2 do
  local width, most = tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])
  local current = KEYS[i] .. ':' .. math.floor(second / width)
  local before = KEYS[i] .. ':' .. math.floor(second / width) - 1
  local share = 1 - (second % width) / width
  local seen = tonumber(redis.call('GET', before) or '0') * share + tonumber(redis.call('GET', current) or '0')
  if seen >= most then return -1 end
  redis.call('INCR', current)
  redis.call('EXPIRE', current, width * 2)
  if left < 0 then left = most - seen - 1 end
end
return math.floor(left)`;

export function reading(app, { config, byHost, transaction, Together }) {
  const redis = new Redis(config.redis, { enableAutoPipelining: true, enableReadyCheck: false });
  redis.defineCommand("limit", { numberOfKeys: 2, lua: LIMIT });
  const verified = new Map();
  const together = new Together(config.lanes, 64, 64, async (asked) => {
    const results = new Array(asked.length);
    const clinics = new Map();
    asked.forEach((one, index) => {
      if (!clinics.has(one.clinic)) clinics.set(one.clinic, []);
      clinics.get(one.clinic).push({ ...one, index });
    });
    for (const [clinic, theirs] of clinics) {
      await transaction(clinic, async (client) => {
        for (const one of theirs) results[one.index] = await read(client, one);
      });
    }
    return results;
  });

  function principal(clinic, token) {
    const known = verified.get(token);
    if (known && known.exp > Date.now() / 1000) return known;
    const [head, body, signature] = token.split(".");
    const { kid } = JSON.parse(Buffer.from(head, "base64url"));
    const key = Buffer.from(clinic.keys[kid], "base64url");
    const expected = createHmac("sha256", key).update(`${head}.${body}`).digest();
    const given = Buffer.from(signature, "base64url");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const claims = JSON.parse(Buffer.from(body, "base64url"));
    const good = claims.iss === `atendeai:${clinic.id}` && claims.aud === "atendeai" && claims.exp > Date.now() / 1000;
    if (!good) return null;
    verified.set(token, claims);
    return claims;
  }

  async function read(client, { clinic, who, start, end, size }) {
    const { rows } = await client.query(config.sql.list, [clinic.id, config.statuses, config.lapsed, size + 1, start, end]);
    const page = rows.slice(0, size);
    await client.query(config.sql.audit, [
      clinic.id,
      randomUUID(),
      new Date(),
      `person:${who.sub}`,
      "appointment.list",
      "appointments",
      JSON.stringify({ ids: page.map((row) => row.id) }),
    ]);
    return page;
  }

  app.get("/api/v1/appointments", async (request, reply) => {
    const clinic = byHost.get(request.headers.host);
    if (!clinic) return reply.code(404).send({ title: "Unknown host" });
    const who = principal(clinic, (request.headers.authorization ?? "").replace("Bearer ", ""));
    if (!who) return reply.code(401).send({ title: "Authentication required" });
    const key = `clinic:${clinic.id}:limit:peer:${who.sub}`;
    const left = await redis.limit(`${key}:60`, `${key}:3600`, 60, config.limit, 3600, config.limit, Math.floor(Date.now() / 1000));
    if (left < 0) return reply.code(429).send({ title: "Too many requests" });
    const { date, page_size: size } = request.query;
    const asked = {
      clinic,
      who,
      start: `${date}T00:00:00${clinic.offset}`,
      end: new Date(Date.parse(`${date}T00:00:00${clinic.offset}`) + 86_400_000),
      size: Number(size),
    };
    const page = config.group
      ? await together.do(asked)
      : await transaction(clinic, (client) => read(client, asked));
    reply.header("cache-control", "no-store").header("x-clinic-id", clinic.id);
    return { items: page.map((row) => rendered(row, clinic.offset)), next_page_token: null };
  });
}

function moment(value, offset) {
  const hours = Number(offset.slice(0, 3));
  return new Date(value.getTime() + hours * 3_600_000).toISOString().replace(".000Z", offset).replace("Z", offset);
}

// The services' own shape of an appointment.
function rendered(row, offset) {
  return {
    id: row.id,
    status: row.status,
    start: moment(row.starts_at, offset),
    end: moment(row.ends_at, offset),
    service_code: row.service_code,
    service_name: row.service_name,
    professional_code: row.professional_code,
    professional_name: row.professional_name,
    patient: { id: row.patient_id, name: row.patient_name, contact_id: row.contact_id },
    participant: [
      {
        actor: { type: "Patient", reference: row.patient_id ? `Patient/${row.patient_id}` : null, display: row.patient_name },
        status: row.confirmed_at ? "accepted" : "needs-action",
      },
      {
        actor: { type: "Practitioner", reference: `Practitioner/${row.professional_code}`, display: row.professional_name },
        status: row.conflict ? "tentative" : "accepted",
      },
    ],
    source: row.source,
    calendar: { state: row.calendar_state, error: row.calendar_error },
    created_at: moment(row.created_at, offset),
    version: row.version,
  };
}
