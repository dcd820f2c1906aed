import type { Failure } from "../../provider/resource.ts";
import type { DeliveryInputs } from "./inputs.ts";
import { isAbsolutePath, parentsOf, pathRule } from "./paths.ts";
import { loadSsh2 } from "./ssh2.ts";
import { isTemplate, unitPath } from "./units.ts";

/** What is wrong with a delivery's inputs taken together; one failure a mistake, none when all is well. */
export function checkDelivery(inputs: DeliveryInputs): Failure[] {
  return [
    ...checkPrivateKey(inputs.connection.privateKey),
    ...checkPaths(inputs),
    ...checkAssets(inputs),
    ...checkActivations(inputs),
    ...checkNames("users", inputs.users),
    ...checkNames("units", inputs.units),
    ...checkTemplates(inputs),
  ];
}

function checkPrivateKey(privateKey: string): Failure[] {
  const parsed = loadSsh2().utils.parseKey(privateKey);
  if (!(parsed instanceof Error) && parsed.isPrivateKey()) return [];
  // The parser's own words are left out: what it cannot parse may still be a key.
  return [
    {
      property: "connection.privateKey",
      reason: "this is not a private key in OpenSSH format without passphrase",
    },
  ];
}

function checkPaths({ files, directories, units }: DeliveryInputs): Failure[] {
  const failures: Failure[] = [];
  const unitsByPath = new Map(
    units.filter((unit) => unit.content !== undefined).map((unit) => [unitPath(unit.name), unit.name]),
  );
  for (const path of Object.keys(files)) {
    const property = `files[${JSON.stringify(path)}]`;
    if (!isAbsolutePath(path)) failures.push({ property, reason: pathRule });
    const unit = unitsByPath.get(path);
    if (unit)
      failures.push({ property, reason: `the unit ${unit} brings a file at this path: keep one of them` });
    if (path in directories)
      failures.push({ property, reason: "directories has the same path: keep one of them" });
    const above = parentsOf(path).find((parent) => parent in files);
    if (above) failures.push({ property, reason: `${above} is a file, so nothing can lie below it` });
  }
  for (const path of Object.keys(directories)) {
    const property = `directories[${JSON.stringify(path)}]`;
    if (!isAbsolutePath(path)) failures.push({ property, reason: pathRule });
    const above = parentsOf(path).find((parent) => parent in files);
    if (above) failures.push({ property, reason: `${above} is a file, so nothing can lie below it` });
  }
  return failures;
}

function checkAssets({ files }: DeliveryInputs): Failure[] {
  return Object.entries(files).flatMap(([path, { asset }]) =>
    asset !== undefined && asset.path === undefined
      ? [
          {
            property: `files[${JSON.stringify(path)}].asset`,
            reason:
              "only a pulumi.asset.FileAsset, a file of this machine, can be delivered; a text is a content",
          },
        ]
      : [],
  );
}

function checkActivations({ files, units }: DeliveryInputs): Failure[] {
  const names = new Set(units.map((unit) => unit.name));
  return Object.entries(files).flatMap(([path, file]) =>
    file.activates
      .filter((name) => !names.has(name))
      .map((name) => ({
        property: `files[${JSON.stringify(path)}].activates`,
        reason: `there is no unit ${name} in units; units has ${[...names].join(", ") || "none"}`,
      })),
  );
}

function checkNames(property: string, entries: readonly { readonly name: string }[]): Failure[] {
  return entries.flatMap(({ name }, index) =>
    entries.findIndex((other) => other.name === name) < index
      ? [{ property: `${property}[${index}]`, reason: `${name} is in ${property} twice: keep one of them` }]
      : [],
  );
}

function checkTemplates({ units }: DeliveryInputs): Failure[] {
  return units.flatMap((unit, index) =>
    isTemplate(unit.name) && (unit.enabled || unit.state !== "none")
      ? [
          {
            property: `units[${index}]`,
            reason: `${unit.name} is a template: it needs enabled false and state "none"; name its instances as units`,
          },
        ]
      : [],
  );
}
