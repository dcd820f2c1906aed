import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { defineResource, type ProviderDefinition } from "../../../infra/provider/resource.ts";
import { jsonText } from "../json.ts";

const configSchema = z.strictObject({
  url: z.url(),
  /** A service-account token. */
  auth: z.string().min(1),
  version: z.string().optional(),
});

type Config = z.output<typeof configSchema>;

/** The few calls of Grafana's HTTP API that the lab needs. */
class Grafana {
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
  }

  /** Where a browser finds it. */
  address(path: string): string {
    return new URL(path, this.#config.url).href;
  }

  /** Undefined where Grafana answers that there is no such thing. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, this.#config.url), {
      method,
      headers: {
        authorization: `Bearer ${this.#config.auth}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 404 && method !== "POST") return undefined;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }
}

const folderInputs = z.object({ uid: z.string(), title: z.string() });

const folder = defineResource({
  token: "grafana:oss/folder:Folder",
  inputs: folderInputs,
  replaceOn: ["uid"],
  deleteBeforeReplace: true,
  create: async ({ client }: { client: Grafana }, { uid, title }) => {
    await client.call("POST", "/api/folders", { uid, title });
    return { id: uid, outputs: folderOutputs(client, uid) };
  },
  read: async ({ client }, id) => {
    const found = await client.call("GET", `/api/folders/${id}`);
    return found === undefined
      ? undefined
      : { inputs: folderInputs.parse(found), outputs: folderOutputs(client, id) };
  },
  update: async ({ client }, id, _recorded, { title }) => {
    await client.call("PUT", `/api/folders/${id}`, { title, overwrite: true });
    return folderOutputs(client, id);
  },
  delete: async ({ client }, id) => void (await client.call("DELETE", `/api/folders/${id}`)),
});

function folderOutputs(client: Grafana, uid: string): { url: string } {
  return { url: client.address(`/dashboards/f/${uid}`) };
}

const dataSourceInputs = z.object({
  uid: z.string(),
  name: z.string(),
  type: z.string(),
  url: z.string(),
  accessMode: z.enum(["proxy", "direct"]).default("proxy"),
  basicAuthEnabled: z.boolean().default(false),
  basicAuthUsername: z.string().default(""),
  jsonDataEncoded: jsonText.default("{}"),
  /** Grafana never tells it again: what is recorded is taken for what is there. */
  secureJsonDataEncoded: jsonText.default("{}"),
});

const dataSourceData = z.looseObject({
  uid: z.string(),
  name: z.string(),
  type: z.string(),
  url: z.string(),
  access: z.enum(["proxy", "direct"]),
  basicAuth: z.boolean(),
  basicAuthUser: z.string(),
  jsonData: z.record(z.string(), z.unknown()),
});

/** A data source as Grafana's API takes it. */
function dataSourceBody(wanted: z.output<typeof dataSourceInputs>): object {
  const { uid, name, type, url, accessMode, basicAuthEnabled, basicAuthUsername } = wanted;
  return {
    uid,
    name,
    type,
    url,
    access: accessMode,
    basicAuth: basicAuthEnabled,
    basicAuthUser: basicAuthUsername,
    jsonData: JSON.parse(wanted.jsonDataEncoded),
    secureJsonData: JSON.parse(wanted.secureJsonDataEncoded),
  };
}

const dataSource = defineResource({
  token: "grafana:oss/dataSource:DataSource",
  inputs: dataSourceInputs,
  replaceOn: ["uid", "type"],
  deleteBeforeReplace: true,
  create: async ({ client }: { client: Grafana }, wanted) => {
    await client.call("POST", "/api/datasources", dataSourceBody(wanted));
    return { id: wanted.uid, outputs: {} };
  },
  read: async ({ client }, id, { inputs: { secureJsonDataEncoded } }) => {
    const found = await client.call("GET", `/api/datasources/uid/${id}`);
    if (found === undefined) return undefined;
    const { access, basicAuth, basicAuthUser, jsonData, uid, name, type, url } = dataSourceData.parse(found);
    return {
      inputs: {
        uid,
        name,
        type,
        url,
        accessMode: access,
        basicAuthEnabled: basicAuth,
        basicAuthUsername: basicAuthUser,
        jsonDataEncoded: JSON.stringify(jsonData),
        ...(secureJsonDataEncoded === undefined ? {} : { secureJsonDataEncoded }),
      },
      outputs: {},
    };
  },
  update: async ({ client }, id, _recorded, wanted) => {
    await client.call("PUT", `/api/datasources/uid/${id}`, dataSourceBody(wanted));
    return {};
  },
  delete: async ({ client }, id) => void (await client.call("DELETE", `/api/datasources/uid/${id}`)),
});

const dashboardInputs = z.object({
  configJson: jsonText,
  folder: z.string().optional(),
  overwrite: z.boolean().default(false),
});

const dashboardModel = z.looseObject({ uid: z.string() });
const dashboardData = z.looseObject({
  dashboard: dashboardModel,
  meta: z.looseObject({ folderUid: z.string().optional(), version: z.number() }),
});

const dashboard = defineResource({
  token: "grafana:oss/dashboard:Dashboard",
  inputs: dashboardInputs,
  replaceOn: [],
  sameValue: (property, recorded, wanted) =>
    property === "configJson" ? sameDashboard(recorded, wanted) : isDeepStrictEqual(recorded, wanted),
  create: async ({ client }: { client: Grafana }, wanted) => ({
    id: uidOf(wanted.configJson),
    outputs: await save(client, wanted),
  }),
  read: async ({ client }, id, { inputs }) => {
    const found = await client.call("GET", `/api/dashboards/uid/${id}`);
    if (found === undefined) return undefined;
    const { dashboard: model, meta } = dashboardData.parse(found);
    return {
      inputs: {
        configJson: JSON.stringify(model),
        folder: meta.folderUid === "" ? undefined : meta.folderUid,
        overwrite: inputs.overwrite ?? false,
      },
      outputs: outputsOf(client, { uid: id, id: Number(model.id), version: meta.version }),
    };
  },
  // The real provider overwrites on every update: the state knows the version, the program does not.
  update: async ({ client }, _id, _recorded, wanted) => save(client, { ...wanted, overwrite: true }),
  delete: async ({ client }, id) => void (await client.call("DELETE", `/api/dashboards/uid/${id}`)),
});

interface DashboardOutputs {
  readonly uid: string;
  readonly url: string;
  readonly version: number;
  readonly dashboardId: number;
}

const savedDashboard = z.looseObject({ uid: z.string(), id: z.number(), version: z.number() });

async function save(
  client: Grafana,
  { configJson, folder: folderUid, overwrite }: z.output<typeof dashboardInputs>,
): Promise<DashboardOutputs> {
  const { id: _, version: __, ...model } = JSON.parse(configJson);
  const saved = await client.call("POST", "/api/dashboards/db", {
    dashboard: model,
    overwrite,
    ...(folderUid === undefined ? {} : { folderUid }),
  });
  return outputsOf(client, savedDashboard.parse(saved));
}

function outputsOf(client: Grafana, { uid, id, version }: z.output<typeof savedDashboard>): DashboardOutputs {
  return { uid, url: client.address(`/d/${uid}`), version, dashboardId: id };
}

function uidOf(configJson: string): string {
  return dashboardModel.parse(JSON.parse(configJson)).uid;
}

/** Grafana numbers dashboards and their versions itself. */
function sameDashboard(a: unknown, b: unknown): boolean {
  if (typeof a !== "string" || typeof b !== "string") return a === b;
  const own = (text: string) => ({ ...JSON.parse(text), id: null, version: null });
  return isDeepStrictEqual(own(a), own(b));
}

/** Stands in for the grafana provider: the types that the lab uses, against Grafana's HTTP API. */
export const grafanaProvider: ProviderDefinition<Grafana, Config> = {
  name: "grafana",
  version: "2.40.0",
  config: configSchema,
  connect: (config) => new Grafana(config),
  resources: [folder, dataSource, dashboard],
};
