import type { Command } from "commander";

interface Choice {
  readonly stack?: string;
}

const stackOption = [
  "--stack <name>",
  "a stack of your own backend, with your environment as `pulumi` has it; without it the lab on this machine",
] as const;

/** `lab keys`: the encryption keys of the backups, for keeping them outside the hosts that they protect. */
export function register(program: Command): void {
  const keys = program
    .command("keys")
    .description("write the encryption keys of the backups for escrow, or check such a file")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab keys export --stack lab /media/escrow/lab-keys.json\n" +
        "  $ ./lab keys check --stack lab --record /media/escrow/lab-keys.json\n" +
        "  $ ./lab keys export --stack lab - | age -r RECIPIENT > lab-keys.age\n",
    );
  keys
    .command("export")
    .description(
      "write the keys of every storage and the passphrases of physical backups into a new file that only you can read",
    )
    .argument("<file>", "a file that does not exist yet, or - for standard output")
    .option(...stackOption)
    .action(async (file: string, { stack }: Choice) => {
      const { exportKeys } = await import("./keys/export.ts");
      const { openStack } = await import("./keys/stack.ts");
      await exportKeys(await openStack(stack), file);
    });
  keys
    .command("check")
    .description("compare the keys in a file with those of the stack and those that the storages use")
    .argument("<file>", "what `lab keys export` wrote")
    .option(...stackOption)
    .option("--record", "where all fit, write into the stack's configuration that they were checked now")
    .addHelpText(
      "after",
      "\nExit code 0 where all backups can be opened with the file, else 1. Check the copy itself, from\nwhere it is kept, every quarter, with --record: an alert tells when that was missed.\n",
    )
    .action(async (file: string, { stack, record = false }: Choice & { readonly record?: boolean }) => {
      const { checkKeys } = await import("./keys/check.ts");
      const { openStack } = await import("./keys/stack.ts");
      process.exitCode = await checkKeys(await openStack(stack), file, { isRecorded: record });
    });
}
