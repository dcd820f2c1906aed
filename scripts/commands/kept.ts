import type { Command } from "commander";
import { dropKept, formatKept, listKept, putBack } from "../restore/kept.ts";
import type { Commands } from "./command.ts";
import { addServer, connectionOf, requireConsent, type ServerOptions } from "./restore.ts";

interface ChangeOptions extends ServerOptions {
  as?: string;
  yes?: true;
}

/** What became of the databases that restores have replaced. */
export function addKept(commands: Commands): void {
  addList(commands);
  addUndo(commands);
  addDrop(commands);
}

function addList({ add, act, out }: Commands): void {
  const command = addServer(add("restore kept", "list the databases that restores have replaced"));
  command.action(
    act<ServerOptions>(async ({ config }, options) => {
      const kept = await listKept(connectionOf(config, options));
      out.write(options.json === true ? `${JSON.stringify(kept)}\n` : formatKept(kept));
    }),
  );
}

function addUndo({ add, act, recorded }: Commands): void {
  const command = add("restore undo", "give a replaced database its name again; what has it is kept in turn");
  asking(addServer(command), "desi_replaced_20260601T020000Z")
    .argument("<database>", "as `restore kept` lists it")
    .option("--as <name>", "the name that it gets; default the one that it had")
    .action((database: string, options: ChangeOptions) =>
      act(async (context) => {
        await requireConsent(options, context.signal);
        const connection = connectionOf(context.config, options);
        await recorded(context, "restore", () => putBack(context, connection, database, options.as));
      })(options),
    );
}

function addDrop({ add, act, recorded }: Commands): void {
  const command = add("restore drop", "drop databases that restores have replaced, and nothing else");
  asking(addServer(command), "desi_replaced_20260601T020000Z")
    .argument("<databases...>", "as `restore kept` lists them")
    .action((databases: string[], options: ChangeOptions) =>
      act(async (context) => {
        await requireConsent(options, context.signal);
        const connection = connectionOf(context.config, options);
        await recorded(context, "restore", async () => {
          for (const database of databases) await dropKept(context, connection, database);
        });
      })(options),
    );
}

function asking(command: Command, example: string): Command {
  const words = `${command.parent?.name() ?? ""} ${command.name()}`;
  return command
    .option("--yes", "do not ask")
    .addHelpText("after", `\nExample:\n  sudo dbkeeper ${words} ${example}`);
}
