import { describe, expect, it } from "vitest";
import { fillIn, placeholders, readBlocks } from "./blocks.ts";

const page = (info: string, text = "uptime") => `# Page\n\n## Check\n\`\`\`${info}\n${text}\n\`\`\`\n`;
const only = (markdown: string) => readBlocks("Page.md", markdown).blocks[0];
const problem = (info: string, text?: string) => readBlocks("Page.md", page(info, text)).problems.join("\n");

describe("a page of a runbook", () => {
  it("gives each block with its line, section and place", () => {
    expect(only(page("sh standby", "uptime\ndate"))).toEqual({
      page: "Page.md",
      line: 5,
      section: "Check",
      language: "sh",
      place: "standby",
      database: "postgres",
      changes: false,
      notHere: undefined,
      text: "uptime\ndate",
    });
  });

  it("may name a database, mark a change and give the reason against a run", () => {
    expect(only(page("sql primary changes database=<database>"))).toMatchObject({
      changes: true,
      database: "<database>",
    });
    expect(only(page('sh not-here="a node\'s own"', "qm list"))).toMatchObject({
      place: undefined,
      notHere: "a node's own",
    });
  });

  it("may use any placeholder and alter anything where nobody runs it", () => {
    expect(problem('sh not-here="on the node"', "qm stop <vmid>; systemctl stop x")).toBe("");
  });

  it("gives blocks of lists without their indentation", () => {
    expect(only("1. Look.\n\n   ```sh primary\n   uptime\n     date\n   ```\n")?.text).toBe("uptime\n  date");
  });

  it.each([
    ["sh", undefined, "Page.md:4: it does not say where"],
    ["bash primary", undefined, "a block in `bash`"],
    ["", undefined, "a block in ``"],
    ["sh nowhere", undefined, "`nowhere` says nothing"],
    ['sh primary not-here=""', undefined, "says nothing"],
    ["sh primary database=x", undefined, "says nothing"],
    ["sql anywhere", "select 1;", "SQL needs a server"],
    ["sql primary", "select <thing>;", "<thing> is unknown"],
    ["sql primary database=<thing>", "select 1;", "<thing> is unknown"],
    ["sh primary", "grep x /y || true", "hides what is wrong"],
    ["sh primary", "systemctl --no-block restart x", "alters something"],
    ["sql primary", "select pg_reload_conf();", "alters something"],
    ["sh primary", "", "the block is empty"],
  ])("is refused with `%s` %j", (info, text, says) => {
    expect(problem(info, text)).toContain(says);
    expect(only(page(info, text))).toBeUndefined();
  });

  it("is refused where a block does not end", () => {
    expect(readBlocks("Page.md", "```sh primary\nuptime").problems).toEqual([
      "Page.md:1: a block is not closed: add ```",
    ]);
  });
});

it("fills in what it knows, and leaves comparisons alone", () => {
  const values = Object.fromEntries(placeholders.map((name) => [name, name.toUpperCase()])) as Record<
    (typeof placeholders)[number],
    string
  >;
  expect(fillIn("<host> a <> b < <pid>", values)).toBe("HOST a <> b < PID");
});
