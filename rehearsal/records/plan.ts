import { z } from "zod";

const marked = z.looseObject({ path: z.string(), owner: z.string(), group: z.string() });

/** The parts of a delivery's plan that name places and accounts of the host; the rest passes unseen. */
export const planSchema = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a delivery's name"),
  stateFolder: z.string().startsWith("/"),
  unitFolder: z.string().startsWith("/"),
  settleSeconds: z.number(),
  packages: z.array(z.string()),
  users: z.array(z.looseObject({ name: z.string() })),
  directories: z.array(marked),
  files: z.array(marked),
});

export type HostPlan = z.output<typeof planSchema>;

/** The account that everything in a recorded guest belongs to: there is no other without root. */
export interface Account {
  readonly user: string;
  readonly group: string;
}

/** The plan with a folder for a root directory and one account for all owners. */
export function movePlan(plan: HostPlan, root: string, account: Account): HostPlan {
  const moved = <Item extends { readonly path: string }>(item: Item) => ({
    ...item,
    path: `${root}${item.path}`,
    owner: account.user,
    group: account.group,
  });
  return {
    ...plan,
    stateFolder: `${root}${plan.stateFolder}`,
    unitFolder: `${root}${plan.unitFolder}`,
    // Nothing runs that could fall over.
    settleSeconds: 0,
    // Installing would be done to this machine, and its programs need not be there to look at a file.
    packages: [],
    users: [],
    directories: plan.directories.map(moved),
    files: plan.files.map(({ validate: _, ...file }) => moved(file)),
  };
}

/**
 * What the program said, as it would have on the host: without the folder in front of paths, and with the planned
 * owners, which a folder of one account cannot hold.
 */
export function restoreLine(line: string, plan: HostPlan, root: string, account: Account): string {
  const event = JSON.parse(line) as unknown;
  const planned = new Map([...plan.directories, ...plan.files].map((item) => [item.path, item]));
  const restored = withoutRoot(event, root);
  if (!isRecord(restored) || restored.event !== "facts" || restored.exists !== true)
    return JSON.stringify(restored);
  const owned = (facts: unknown) =>
    Object.fromEntries(
      Object.entries(isRecord(facts) ? facts : {}).map(([path, marks]) => {
        const wanted = planned.get(path);
        if (!isRecord(marks) || !wanted) return [path, marks];
        return [
          path,
          {
            ...marks,
            ...(marks.owner === account.user ? { owner: wanted.owner } : {}),
            ...(marks.group === account.group ? { group: wanted.group } : {}),
          },
        ];
      }),
    );
  return JSON.stringify({
    ...restored,
    files: owned(restored.files),
    directories: owned(restored.directories),
    packages: plan.packages,
    users: plan.users.map(({ name }) => name),
  });
}

function withoutRoot(value: unknown, root: string): unknown {
  if (typeof value === "string") return value.replaceAll(root, "");
  if (Array.isArray(value)) return value.map((item) => withoutRoot(item, root));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replaceAll(root, ""), withoutRoot(item, root)]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
