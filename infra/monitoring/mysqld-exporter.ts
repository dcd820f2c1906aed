import * as pulumi from "@pulumi/pulumi";
import { scraperName } from "../hosts/certificates.ts";
import { type Contribution, executable, plainFile } from "../hosts/contribution.ts";
import { programDirectory } from "../hosts/paths.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { exporterWebConfiguration, keyPairFiles } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Guest, Site } from "../site.ts";

type OtherDatabase = Site["databases"]["others"][number];

export interface MysqldExporterArgs {
  readonly site: Site;
  /** The host that runs it. */
  readonly guest: Guest;
  readonly identity: KeyPair;
  /** Of the account that it logs in with; secret, by guest of the database. */
  readonly passwords: ReadonlyMap<string, pulumi.Input<string>>;
}

/** The account that the exporter logs in with at each database. */
export const mysqlMonitoringUser = "monitoring";

const name = "mysqld_exporter";
const unit = `${name}.service`;
const clientPath = `/etc/lab/${name}.cnf`;
const webPath = `/etc/lab/${name}-web.yml`;

/**
 * One exporter for the MySQL and MariaDB servers of guests on which nothing is installed: Prometheus names at each
 * scrape which of them it asks about. None where the site gives the host no such database.
 */
export function mysqldExporter(args: MysqldExporterArgs): Contribution[] {
  const { site, guest, identity } = args;
  const watched = remoteDatabases(site).filter(({ exporterHost }) => exporterHost === guest.name);
  const binary = site.binaries.mysqldExporter;
  const [first] = watched;
  if (!first || !binary) return [];
  return [
    {
      users: [{ name }],
      files: [
        executable(`${programDirectory}/${name}`, binary, [unit]),
        plainFile(webPath, exporterWebConfiguration(name, scraperName(site))),
        ...keyPairFiles(name, name, identity),
        {
          path: clientPath,
          content: clientConfiguration(watched, args.passwords),
          mode: "0600",
          owner: name,
          group: name,
          sensitive: true,
          activates: [unit],
        },
      ],
      units: [
        {
          name: unit,
          content: renderUnit({
            Unit: { Description: "MySQL metrics of other guests", After: "network-online.target" },
            Service: {
              User: name,
              ExecStart: `${programDirectory}/${name} --config.my-cnf=${clientPath} --web.config.file=${webPath} --web.listen-address=:${first.port}`,
              Restart: "on-failure",
              ...hardened,
            },
            Install: { WantedBy: "multi-user.target" },
          }),
        },
      ],
    },
  ];
}

/** Databases whose exporter runs on another guest than they do. */
export function remoteDatabases({ databases }: Site): readonly (OtherDatabase & { exporterHost: string })[] {
  return databases.others.flatMap((database) =>
    database.exporterHost === undefined ? [] : [{ ...database, exporterHost: database.exporterHost }],
  );
}

/** The section of the exporter's configuration that a database's login is in. */
export function authModule(guest: string): string {
  return `client.${guest}`;
}

function clientConfiguration(
  watched: readonly OtherDatabase[],
  passwords: MysqldExporterArgs["passwords"],
): pulumi.Output<string> {
  const sections = watched.map(({ guest }) => {
    const password = passwords.get(guest);
    if (password === undefined) throw new Error(`the database on ${guest} has no monitoring password`);
    return pulumi.interpolate`[${authModule(guest)}]\nuser = ${mysqlMonitoringUser}\npassword = ${password}\n`;
  });
  return pulumi.all(sections).apply((texts) => texts.join("\n"));
}
