/** Sections of a systemd unit in their order; a list repeats its key. */
export type UnitSections = Readonly<
  Record<string, Readonly<Record<string, string | number | boolean | readonly string[]>>>
>;

/** Renders a systemd unit file. */
export function renderUnit(sections: UnitSections): string {
  return `${Object.entries(sections)
    .map(
      ([name, settings]) =>
        `[${name}]\n${Object.entries(settings)
          .map(([key, value]) => renderSetting(key, value))
          .join("")}`,
    )
    .join("\n")}`;
}

function renderSetting(key: string, value: string | number | boolean | readonly string[]): string {
  const values = Array.isArray(value) ? value : [value];
  return values.map((each) => `${key}=${each === true ? "yes" : each === false ? "no" : each}\n`).join("");
}

/** Restrictions that every long-running service of ours bears: no privileges, no writing outside its own paths. */
export const hardened = {
  NoNewPrivileges: true,
  ProtectSystem: "strict",
  ProtectHome: true,
  PrivateTmp: true,
  ProtectKernelTunables: true,
  ProtectKernelModules: true,
  ProtectControlGroups: true,
  RestrictSUIDSGID: true,
  LockPersonality: true,
} as const;
