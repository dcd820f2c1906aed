import * as pulumi from "@pulumi/pulumi";
import { propertyBag, type ResourceArgs } from "../../provider/sdk.ts";
import { certificateSchema } from "./certificate.ts";
import { authoritySchema } from "./certificate-authority.ts";

const outputs = ["certificate", "privateKey", "notAfter"] as const;

/** A certificate with its key. What is made by an authority or certificate resource is one. */
export interface KeyPair {
  /** PEM. */
  readonly certificate: pulumi.Output<string>;
  /** PKCS #8 PEM; secret. */
  readonly privateKey: pulumi.Output<string>;
}

export type CertificateAuthorityArgs = ResourceArgs<typeof authoritySchema>;

/**
 * A certificate authority, made on create and kept in the state. An update near its end signs it again with its key;
 * `commonName` and `rotation` make another authority.
 */
export class CertificateAuthority extends pulumi.CustomResource implements KeyPair {
  declare readonly certificate: pulumi.Output<string>;
  declare readonly privateKey: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;

  constructor(name: string, args: CertificateAuthorityArgs, options?: pulumi.CustomResourceOptions) {
    super(
      "hosts:index:CertificateAuthority",
      name,
      propertyBag(authoritySchema, args, outputs),
      pulumi.mergeOptions({ additionalSecretOutputs: ["privateKey"] }, options),
    );
  }
}

export interface CertificateArgs extends Omit<ResourceArgs<typeof certificateSchema>, "authority"> {
  /** Who signs. */
  readonly authority: KeyPair;
}

/**
 * A key and a certificate for a server, a client or both, made on create and kept in the state. An update inside
 * `renewBeforeDays` renews the certificate in place and keeps the key.
 */
export class Certificate extends pulumi.CustomResource implements KeyPair {
  declare readonly certificate: pulumi.Output<string>;
  declare readonly privateKey: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;

  constructor(name: string, { authority, ...args }: CertificateArgs, options?: pulumi.CustomResourceOptions) {
    super(
      "hosts:index:Certificate",
      name,
      {
        ...propertyBag(certificateSchema, args, outputs),
        authority: {
          certificate: authority.certificate,
          privateKey: pulumi.secret(authority.privateKey),
        },
      },
      pulumi.mergeOptions({ additionalSecretOutputs: ["privateKey"] }, options),
    );
  }
}
