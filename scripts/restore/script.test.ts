import { expect, test } from "vitest";
import { splitStatements } from "../postgres/statements.ts";
import { databaseStatements, rolesIn, tablespacesIn } from "./script.ts";

const script = splitStatements(`
-- a comment; with a semicolon
\\restrict token
SET default_tablespace = '';
CREATE DATABASE "-odd ""name;" WITH TEMPLATE = template0 ENCODING = 'UTF8' TABLESPACE = fast;
\\unrestrict token
\\connect -reuse-previous=on "dbname='-odd'"
ALTER DATABASE "-odd ""name;" OWNER TO "Keeper";
COMMENT ON DATABASE "-odd ""name;" IS 'it''s; DATABASE public
  of two lines';
ALTER DATABASE "-odd ""name;" SET search_path TO 'a', 'b';
ALTER ROLE database IN DATABASE "-odd ""name;" SET work_mem TO '1MB';
SET default_tablespace = slow;
CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $_$ ALTER TABLE x OWNER TO nobody; $_$;
ALTER FUNCTION public.f() OWNER TO writer;
CREATE RULE r AS ON UPDATE TO t DO (DELETE FROM a; DELETE FROM b);
CREATE POLICY mine ON public.t FOR SELECT TO reader, "with space" USING ((a IN ( SELECT b FROM TO_SEE)));
GRANT SELECT ON TABLE public.t TO PUBLIC;
GRANT SELECT(a),UPDATE(a) ON TABLE public.t TO reader2 WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE creator IN SCHEMA public GRANT SELECT ON TABLES  TO "public";
REVOKE CONNECT,TEMPORARY ON DATABASE "-odd ""name;" FROM PUBLIC;
SET SESSION AUTHORIZATION grantor;
GRANT CONNECT ON DATABASE "-odd ""name;" TO guest;
RESET SESSION AUTHORIZATION;
GRANT ALL ON SCHEMA public TO last;
`);

test("the statements about a database are about one of another name, in their order", () => {
  expect(databaseStatements(script, 'new"')).toEqual({
    create: `CREATE DATABASE "new""" WITH TEMPLATE = template0 ENCODING = 'UTF8' TABLESPACE = fast`,
    properties: [
      `ALTER DATABASE "new""" OWNER TO "Keeper"`,
      `COMMENT ON DATABASE "new""" IS 'it''s; DATABASE public\n  of two lines'`,
      `ALTER DATABASE "new""" SET search_path TO 'a', 'b'`,
      `ALTER ROLE database IN DATABASE "new""" SET work_mem TO '1MB'`,
      `REVOKE CONNECT,TEMPORARY ON DATABASE "new""" FROM PUBLIC`,
      "SET SESSION AUTHORIZATION grantor",
      `GRANT CONNECT ON DATABASE "new""" TO guest`,
      "RESET SESSION AUTHORIZATION",
    ],
  });
});

test("a script that creates no database is refused", () => {
  expect(() => databaseStatements(splitStatements("SELECT 1;"), "new")).toThrow(/how to create/);
});

test("every role that is needed is found, in whatever statement, and none that is only text", () => {
  expect(rolesIn(script)).toEqual([
    "Keeper",
    "creator",
    "database",
    "grantor",
    "guest",
    "last",
    "public",
    "reader",
    "reader2",
    "with space",
    "writer",
  ]);
});

test("tablespaces other than the default are found", () => {
  expect(tablespacesIn(script)).toEqual(["fast", "slow"]);
});
