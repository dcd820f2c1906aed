// As the lab's own entry does.
import "../../infra/pulumi-sdk.ts";

import * as pulumi from "@pulumi/pulumi";
import { buildLab } from "../../infra/program.ts";
import { readSettings } from "../../infra/settings.ts";
import { parseSite } from "../../infra/site.ts";
import { syntheticSite } from "./synthetic.ts";

/** The lab's own program for a site of as many guests as the configuration's `guests` says. */
export default function program(): Promise<pulumi.Inputs> {
  const guests = new pulumi.Config().requireNumber("guests");
  return buildLab(parseSite(syntheticSite(guests)), readSettings());
}
