import * as pulumi from "@pulumi/pulumi";
import { buildLab } from "../../infra/program.ts";
import { readSettings } from "../../infra/settings.ts";
import { parseSite } from "../../infra/site.ts";
import { syntheticSite } from "./synthetic.ts";

/** The lab's own program for a site of as many guests as the configuration's `guests` says. */
export default function program(): Promise<pulumi.Inputs> {
  // As the lab's own entry does.
  Reflect.deleteProperty(Error, "prepareStackTrace");
  const guests = new pulumi.Config().requireNumber("guests");
  return buildLab(parseSite(syntheticSite(guests)), readSettings());
}
