import { expect, test } from "vitest";
import { formatTable, paint, printError, UserError, wantsColour } from "./terminal.ts";

const collect = (isTTY = false) => {
  const written: string[] = [];
  return { isTTY, write: (text: string) => written.push(text), text: () => written.join("") };
};

test("colour needs a terminal and nobody who asked for none", () => {
  expect(wantsColour(collect(true), {})).toBe(true);
  expect(wantsColour(collect(false), {})).toBe(false);
  expect(wantsColour(collect(true), { NO_COLOR: "1" })).toBe(false);
  expect(wantsColour(collect(true), { TERM: "dumb" })).toBe(false);
  expect(paint("red", "text", collect(false))).toBe("text");
});

test("an error for the user shows message and hint, no stack, and its exit code", () => {
  const stream = collect();
  const code = printError(new UserError("port 80 is taken", { hint: "free it", exitCode: 69 }), stream);
  expect(stream.text()).toBe("error: port 80 is taken\nhint: free it\n");
  expect(code).toBe(69);
});

test("an error of another module with hint and exit code counts as one for the user", () => {
  const stream = collect();
  const error = Object.assign(new Error("no Go"), { hint: "install Go", exitCode: 69 });
  expect(printError(error, stream)).toBe(69);
  expect(stream.text()).not.toContain("at ");
});

test("a full disk is for the user to mend, and has no stack", () => {
  const stream = collect();
  const error = Object.assign(new Error("ENOSPC: no space left on device, write '/lab/x'"), {
    code: "ENOSPC",
  });
  expect(printError(error, stream)).toBe(1);
  expect(stream.text()).toBe(
    "error: ENOSPC: no space left on device, write '/lab/x'\n" +
      "hint: make room and run the command again; `./lab doctor` says how much a lab needs, `./lab down --purge` frees what this one takes\n",
  );
});

test("an unexpected error shows its stack, its cause, and exits with 70", () => {
  const stream = collect();
  expect(printError(new TypeError("oops", { cause: new Error("the cause") }), stream)).toBe(70);
  expect(stream.text()).toMatch(/TypeError: oops\n\s+at /);
  expect(stream.text()).toContain("caused by: Error: the cause");
});

test("a table aligns its columns and shows what is undefined as a dash", () => {
  const rows = [
    { name: "pve", pid: 1234 },
    { name: "prometheus", pid: undefined },
  ];
  const table = formatTable(
    rows,
    [
      { title: "SERVICE", value: (row) => row.name },
      { title: "PID", value: (row) => row.pid, align: "right" },
    ],
    collect(),
  );
  expect(table).toBe("SERVICE      PID\npve         1234\nprometheus     -\n");
});
