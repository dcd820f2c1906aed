import { createRequire, Module } from "node:module";
import { debuglog } from "node:util";

/*
 * What the program does without of Pulumi's SDK, for which a preview would take half a second longer. To be imported
 * before the SDK.
 */

const require = createRequire(import.meta.url);

/**
 * Parts that the SDK loads with itself and no program of ours uses: driving the engine from a program, and finding the
 * packages of a function that is turned into a resource. They are more modules than the rest of the SDK.
 */
const unusedParts = [
  () => require.resolve("@pulumi/pulumi/automation/index.js"),
  () =>
    createRequire(require.resolve("@pulumi/pulumi/runtime/closure/codePaths.js")).resolve("@npmcli/arborist"),
];

for (const resolve of unusedParts) deferLoading(resolve());
forgoMarkersStacks();
forgoDebugMessages();

/** Has a CommonJS module loaded when something of it is used, not when it is required. */
function deferLoading(path: string): void {
  if (require.cache[path]) return;
  const load = (): object => {
    if (require.cache[path] === deferred) delete require.cache[path];
    return require(path) as object;
  };
  const deferred = new Module(path);
  deferred.loaded = true;
  deferred.exports = new Proxy(
    {},
    {
      get: (_, name) => (name === "__esModule" ? true : Reflect.get(load(), name)),
      has: (_, name) => Reflect.has(load(), name),
      ownKeys: () => Reflect.ownKeys(load()),
    },
  );
  require.cache[path] = deferred;
}

/**
 * Pulumi's runner reads the source maps of all packages for the stack of each error, and the SDK asks for the stack of
 * an error without a message for each of a resource's promises. Node runs our files as they are written, so their
 * lines are right without maps, and who made a promise interests only who looks for one that never resolves.
 */
function forgoMarkersStacks(): void {
  Error.prepareStackTrace = (error: Error, frames) =>
    error.message === "" && Number.isFinite(Error.stackTraceLimit)
      ? String(error)
      : [String(error), ...frames.map((frame) => `    at ${frame}`)].join("\n");
}

/** Each is a call to the engine, four for each resource, that only `pulumi --debug` shows. NODE_DEBUG=pulumi keeps them. */
function forgoDebugMessages(): void {
  if (debuglog("pulumi").enabled) return;
  const log = require("@pulumi/pulumi/log/index.js") as object;
  Reflect.set(log, "debug", () => Promise.resolve());
}
