-- What the operator does as superuser before the first migration: roles, extensions, schema, database settings.
-- Same names and attributes as the operator's own bootstrap; the passwords here are the test server's.
CREATE ROLE atendeai_owner NOLOGIN;
CREATE ROLE atendeai_finder NOLOGIN BYPASSRLS;
CREATE ROLE atendeai_clinic NOLOGIN;
CREATE ROLE atendeai_migrator LOGIN BYPASSRLS PASSWORD :'migrator' IN ROLE atendeai_owner, atendeai_finder;
CREATE ROLE atendeai_pool LOGIN NOINHERIT NOBYPASSRLS PASSWORD :'pool';
CREATE DATABASE atendeai OWNER atendeai_owner;
\connect atendeai
REVOKE ALL ON DATABASE atendeai FROM PUBLIC;
GRANT CONNECT ON DATABASE atendeai TO atendeai_migrator, atendeai_pool, atendeai_clinic;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE SCHEMA atendeai AUTHORIZATION atendeai_owner;
GRANT USAGE ON SCHEMA atendeai TO atendeai_clinic, atendeai_pool, atendeai_finder;
ALTER DATABASE atendeai SET plan_cache_mode = force_custom_plan;
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC;
