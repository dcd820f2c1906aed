import { createRequire } from "node:module";

/*
 * The providers' SDKs. They load the file of a resource when the resource is asked for, but an import asks for all that
 * a package exports, so that 270 files would be loaded in every preview for the thirty that are used.
 */

const require = createRequire(import.meta.url);

export const iam = require("@pulumi/aws/iam/index.js") as typeof import("@pulumi/aws/iam/index.js");
export const kms = require("@pulumi/aws/kms/index.js") as typeof import("@pulumi/aws/kms/index.js");
export const s3 = require("@pulumi/aws/s3/index.js") as typeof import("@pulumi/aws/s3/index.js");
export const sns = require("@pulumi/aws/sns/index.js") as typeof import("@pulumi/aws/sns/index.js");
export const proxmoxve = require("@muhlba91/pulumi-proxmoxve") as typeof import("@muhlba91/pulumi-proxmoxve");
export const grafana = require("@pulumiverse/grafana") as typeof import("@pulumiverse/grafana");
