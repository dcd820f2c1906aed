import { oneRow } from "../postgres/session.ts";
import type { ReadPart } from "./part.ts";
import { noteItems } from "./security.ts";
import { digest } from "./state.ts";

interface FileSetting {
  file: string | null;
  name: string | null;
  setting: string | null;
  error: string | null;
  /** Whether it is an error though nothing waits for a restart. */
  wrong: boolean;
}

/** The files of settings and of client authentication, as they are on the disk, whether they are in force yet or not. */
export const readSettings: ReadPart = async (look) => {
  const { config, session } = look;
  const cluster = config.cluster.name;
  const rules = await session.rows<{ rule: Record<string, unknown>; error: string | null }>(
    "select to_jsonb(r) - 'line_number' as rule, error from pg_hba_file_rules() r order by line_number",
  );
  const settings = await session.rows<FileSetting>(
    // A setting that only a restart can change is none that is wrong.
    `select f.sourcefile as file, f.name, f.setting, error,
            error is not null and not coalesce(s.context = 'postmaster' and error = 'setting could not be applied', false) as wrong
       from pg_show_all_file_settings() f left join pg_settings s on s.name = f.name order by seqno`,
  );
  const overrides = await session.rows<{ name: string; values: unknown }>(
    `select format('role %s in database %s', coalesce(pg_get_userbyid(nullif(setrole, 0)), '(all)'),
                   coalesce((select datname from pg_database d where d.oid = setdatabase), '(all)')) as name,
            to_jsonb(setconfig) as values
       from pg_db_role_setting order by 1`,
  );
  const { pending } = await oneRow<{ pending: number }>(
    session,
    "select count(*)::int as pending from pg_settings where pending_restart",
  );
  noteItems(look, "hba", itemsOf(rules.map(({ rule }, index) => [`rule ${index + 1}`, rule])));
  noteItems(
    look,
    "settings",
    itemsOf([
      ...settings.map(({ file, name, setting, error }): [string, unknown] => [
        `${name ?? "(unreadable)"} in ${file}`,
        [setting, error],
      ]),
      ...overrides.map(({ name, values }): [string, unknown] => [name, values]),
    ]),
  );
  const files = config.observe.settingsFiles;
  const foreign = settings.filter(
    ({ file, name }) =>
      name !== null &&
      (files === undefined ? file?.endsWith("/postgresql.auto.conf") === true : !files.includes(file ?? "")),
  );
  const gauge = (value: number) => [{ labels: { cluster }, value }];
  return [
    {
      name: "dbkeeper_observed_hba_rules",
      help: "Rules of client authentication in the file, also such as cannot be read.",
      samples: gauge(rules.length),
    },
    {
      name: "dbkeeper_observed_hba_errors",
      help: "Rules of client authentication that the server cannot read: with one it keeps the old ones.",
      samples: gauge(rules.filter(({ error }) => error !== null).length),
    },
    {
      name: "dbkeeper_observed_settings_errors",
      help: "Lines of the settings' files that the server cannot read or apply, without those that wait for a restart.",
      samples: gauge(settings.filter(({ wrong }) => wrong).length),
    },
    {
      name: "dbkeeper_observed_foreign_settings",
      help: "Settings of files that are not among the expected ones, of ALTER SYSTEM above all.",
      samples: gauge(foreign.length),
    },
    {
      name: "dbkeeper_observed_pending_restart_settings",
      help: "Settings that have changed and wait for a restart.",
      samples: gauge(pending),
    },
  ];
};

/** What has one name twice, as a setting in one file may, is one thing. */
function itemsOf(pairs: readonly [string, unknown][]): Record<string, string> {
  const byName = Map.groupBy(pairs, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, same]) => [name, digest(same.map(([, value]) => value))]),
  );
}
