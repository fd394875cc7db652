// The peer: webhook ingest and a tenant read, as a good Node service would have them.
//
// PEER_CONFIG is JSON: port, database, redis, pool, group (whether requests that arrive together share a transaction),
// clinics (host, id, role, phone, secret, key), sql (the very statements of the services), limit (requests a minute).
import Fastify from "fastify";
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import pg from "pg";
import { reading } from "./reading.js";
import { ingest } from "./ingest.js";
import { Together } from "./together.js";

const config = JSON.parse(process.env.PEER_CONFIG);
const pool = new pg.Pool({ connectionString: config.database, max: config.pool, min: config.pool });
const byHost = new Map(config.clinics.map((clinic) => [clinic.host, clinic]));
const byPhone = new Map(config.clinics.map((clinic) => [clinic.phone, clinic]));

// What every answer of the services carries.
const HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-site",
  "x-service": "peer",
  "x-version": "0",
};

const app = Fastify({
  logger: { level: "info" },
  disableRequestLogging: true,
  bodyLimit: 1024 * 1024,
  genReqId: (request) => request.headers["x-request-id"] ?? randomUUID(),
});
app.addHook("onRequest", async (request, reply) => {
  reply.headers(HEADERS).header("x-request-id", request.id);
});
app.addHook("onResponse", async (request, reply) => {
  request.log.info(
    { method: request.method, route: request.routeOptions.url, status: reply.statusCode, duration_ms: reply.elapsedTime },
    "request",
  );
});
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => done(null, body));

// One transaction inside one clinic.
export async function transaction(clinic, work) {
  const client = await pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL ROLE "${clinic.role}"`);
    const result = await work(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    client.release(error);
    throw error;
  }
}

const storing = ingest(config.sql);
const together = new Together(config.lanes, 32, 2, async (items) => {
  const results = new Array(items.length);
  const clinics = new Map();
  items.forEach(({ clinic, messages }, index) => {
    if (!clinics.has(clinic)) clinics.set(clinic, []);
    clinics.get(clinic).push({ index, messages });
  });
  for (const [clinic, theirs] of clinics) {
    await transaction(clinic, (client) => storing(client, clinic, theirs.flatMap(({ messages }) => messages)));
    for (const { index } of theirs) results[index] = true;
  }
  return results;
});

function signed(body, signature, secret) {
  const expected = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

app.post("/webhook/whatsapp", async (request, reply) => {
  const document = JSON.parse(request.body);
  const messages = [];
  let clinic;
  for (const entry of document.entry) {
    for (const change of entry.changes) {
      const owner = byPhone.get(change.value.metadata.phone_number_id);
      if (!owner || !signed(request.body, request.headers["x-hub-signature-256"], owner.secret)) continue;
      clinic = owner;
      (change.value.messages ?? []).forEach((message, position) =>
        messages.push({ message, position, contacts: change.value.contacts ?? [] }),
      );
    }
  }
  if (!clinic) return reply.code(401).send({ title: "The signature does not verify" });
  if (config.group) await together.do({ clinic, messages }, clinic.id);
  else await transaction(clinic, (client) => storing(client, clinic, messages));
  return reply.code(200).send();
});

reading(app, { config, byHost, transaction, Together });

app.get("/nothing", async () => "ok");

await app.listen({ host: "127.0.0.1", port: config.port });
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
