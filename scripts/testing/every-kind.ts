/** SQL that makes in a database one of every kind of object that a dump has to bring back; takes a role `reader`. */
export const everyKind = `
  create schema sky; create extension pg_trgm; create extension postgres_fdw; create extension amcheck;
  create domain sky.degrees as float8 check (value between -360 and 360);
  create type sky.kind as enum ('star', 'galaxy', 'quasar'); create type sky.place as (ra float8, dec float8);
  create type sky.span as range (subtype = float8);
  create collation sky.swiss (provider = icu, locale = 'de-CH');
  create table objects (id bigint generated always as identity (start 7 increment 3) primary key, name text collate sky.swiss,
    kind sky.kind not null default 'galaxy', at sky.place, ra sky.degrees, seen sky.span, tags text[], extra jsonb,
    twice int generated always as (length(name) * 2) stored, constraint named check (name <> ''), unique (name, kind));
  insert into objects (name, kind, at, ra, seen, tags, extra)
    select 'object ' || i, (array['star', 'galaxy', 'quasar'])[1 + i % 3]::sky.kind, row(i, -i)::sky.place, i % 360,
           sky.span(i, i + 1), array['a', null, '"'], jsonb_build_object('i', i, 'n', null) from generate_series(1, 300) i;
  create index on objects using gin (name gin_trgm_ops); create index part on objects (ra) include (kind) where ra > 100;
  create index words on objects (lower(name)); create statistics sky.both (dependencies, mcv) on kind, ra from objects;
  alter table objects alter column name set statistics 500; cluster objects using objects_pkey;
  create table notes (id serial primary key, object bigint references objects on delete cascade deferrable initially deferred, note text);
  insert into notes (object, note) select id, repeat('é☄\\t\\\\N' || E'\\n', 50) from objects where id < 100;
  set constraints all immediate;
  create table parts (id int, at date, primary key (id, at)) partition by range (at);
  create table parts_old partition of parts for values from (minvalue) to ('2021-01-01') partition by hash (id);
  create table parts_old_0 partition of parts_old for values with (modulus 2, remainder 0);
  create table parts_old_1 partition of parts_old for values with (modulus 2, remainder 1);
  create table parts_rest partition of parts default;
  insert into parts select i, date '2020-06-01' + i from generate_series(1, 500) i;
  create table parent (a int); create table child (own text) inherits (parent); insert into child values (1, 'own');
  create unlogged table quick (x float8, y interval, z bytea, m money, u uuid);
  insert into quick values ('NaN', '1 day -3 mons', '\\x00ff', 12.5, '00000000-0000-0000-0000-000000000001');
  create table no_columns (); insert into no_columns default values;
  create table secret (a int, who name); insert into secret values (1, 'reader'); alter table secret enable row level security;
  alter table secret force row level security; create policy own_rows on secret for select to reader using (who = current_user);
  create view bright with (security_barrier) as select * from objects where ra < 90 with local check option;
  create rule no_delete as on delete to bright do instead nothing;
  create materialized view sums as select kind, count(*), sum(ra) from objects group by kind; create unique index on sums (kind);
  create materialized view unfilled as select 1 as one with no data;
  create sequence numbers as smallint start 5 increment 5 maxvalue 100 cycle; select nextval('numbers'), nextval('numbers');
  create sequence untouched;
  create function area(sky.degrees) returns float8 language sql immutable parallel safe as 'select $1 * 2';
  create procedure tidy() language plpgsql as $body$ begin delete from notes where false; end $body$;
  create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
  create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touched before update of name on objects for each row when (old.name is distinct from new.name) execute function touch();
  alter table objects disable trigger touched; create operator === (leftarg = int, rightarg = int, function = int4eq);
  create function abs_cmp(int, int) returns int language sql immutable as 'select abs($1) - abs($2)';
  create operator class by_size for type int using btree as operator 1 <, operator 3 =, function 1 btint4cmp(int, int);
  create index by_class on parent (a by_size); create cast (sky.place as text) with inout as assignment;
  create text search configuration sky.words (copy = simple);
  create function nothing() returns event_trigger language plpgsql as 'begin end';
  create event trigger no_op on ddl_command_end execute function nothing();
  create publication a_few for table objects (id, name) where (id > 10); create publication all_of_it for all tables;
  create server elsewhere foreign data wrapper postgres_fdw options (host 'db.example.org');
  create user mapping for reader server elsewhere;
  create foreign table far (id int) server elsewhere options (table_name 'near'); create view seen_far as select * from far;
  create foreign data wrapper nowhere; comment on server elsewhere is 'far';
  comment on table objects is E'line one\\nline two'; comment on column objects.ra is 'degrees'; comment on schema sky is 'up';
  comment on function area(sky.degrees) is 'no''thing'; comment on index part is 'partial';
  grant select on objects to reader; grant update (name) on objects to reader; grant usage on schema sky to reader with grant option;
  alter default privileges in schema sky grant select on tables to reader; revoke all on schema public from public;
  alter table notes replica identity full; alter table objects set (fillfactor = 70, autovacuum_enabled = off);
  select lo_from_bytea(4242, decode(repeat('ab', 300000), 'hex')); select lo_from_bytea(0, ''); comment on large object 4242 is 'plate';
  grant select on large object 4242 to reader; create table lent (a int); alter table lent owner to reader;
  alter default privileges for role reader grant execute on functions to public; grant all on sequence numbers to reader;
  create schema " odd ""schema"; create table " odd ""schema"."t""; drop table objects; --" (t int, "select" int, "Größe ☄" int);
  insert into " odd ""schema"."t""; drop table objects; --" values (1, 2, 3);
`;
