import * as pulumi from "@pulumi/pulumi";
import { propertyBag, type ResourceArgs } from "../../provider/sdk.ts";
import { type GuestImagesOutputs, guestImagesSchema } from "./guest-images.ts";

/** Remembers from which volume each guest was made, so that another name of an image makes no guest anew. */
export class GuestImages extends pulumi.CustomResource {
  /** Guests made from another volume than would be taken now, with that volume. */
  declare readonly kept: pulumi.Output<GuestImagesOutputs["kept"]>;

  constructor(
    name: string,
    args: ResourceArgs<typeof guestImagesSchema>,
    options?: pulumi.CustomResourceOptions,
  ) {
    super("hosts:index:GuestImages", name, propertyBag(guestImagesSchema, args, ["kept"]), options);
  }
}
